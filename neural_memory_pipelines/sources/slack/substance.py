"""Substance: whether a message says anything that somebody might look for later.

Judges one message by its words. Whole threads are judged in `threads.py`: one message of substance keeps them all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from neural_memory_pipelines.sources.slack.outcomes import find_outcomes

ENOUGH_WORDS = 5

_MARKUP = re.compile(r"<[@!][^<>\n]*>|:[a-z0-9_+'-]{1,60}:", re.IGNORECASE)
_LINK = re.compile(r"<(?:https?|ftp)://")
_CODE = re.compile(r"`[^`\n]+`|```")
_IDENTIFIER = re.compile(r"#[0-9]+\b|\b[A-Z][A-Z0-9]{1,9}-[1-9][0-9]*\b")
_WORD = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*")
# Scripts that do not part their words: Thai, kana, Han, Hangul.
_UNPARTED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def has_substance(text: str, attachments: Sequence[str], files: Sequence[str]) -> bool:
    """Tell a message from a nod.

    A message has substance if it has five words or more, or a link, an identifier, code, an outcome, an attachment
    or a file.

    Args:
        text: in Slack's markup.
        attachments: what hangs on it, as text.
        files: the names of its files.
    """
    if attachments or files or _LINK.search(text) or _CODE.search(text):
        return True
    words = _MARKUP.sub(" ", text)
    return _count_words(words) >= ENOUGH_WORDS or bool(_IDENTIFIER.search(words)) or bool(find_outcomes(words))


def _count_words(text: str) -> int:
    """Count words; of scripts that do not part them, two signs are about one."""
    return len(_WORD.findall(_UNPARTED.sub(" ", text))) + len(_UNPARTED.findall(text)) // 2

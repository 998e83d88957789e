"""Private keys: whole blocks of PEM, OpenPGP, SSH2 and PuTTY, as they stand in files, JSON, mails and logs.

Other secrets have prefixes or names, and are the matter of `providers.py` and `assignments.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from neural_memory_pipelines.domain.redaction.spans import Span

PRIVATE_KEY = "private-key"

_MAX_BLOCK_CHARS = 65_536
_BEGIN = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_END = re.compile(r"-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
# The key itself, as against dots or words that stand for one.
_MATTER = re.compile(r"[A-Za-z0-9+/]{16}")
_GAP = r"(?:\\{1,2}[nrt]|[\s>|\"'+]){0,16}"
_CUT_BODY = re.compile(rf"(?:{_GAP}[A-Za-z0-9+/]{{40,128}}={{0,2}})+(?:{_GAP}[A-Za-z0-9+/]{{8,128}}={{0,2}})?")
_PUTTY = re.compile(r"PuTTY-User-Key-File-[0-9]:")
_PUTTY_END = re.compile(r"Private-MAC:[ \t]*[0-9a-fA-F]{8,128}")


def find_private_keys(text: str) -> Iterator[Span]:
    """Find the blocks of private keys, from their first mark to their last.

    A block whose end is missing (cut by a limit on length) goes as far as its base64 goes. Marks around nothing that
    could be a key are no key.
    """
    if "PRIVATE KEY" in text:
        yield from _blocks(text, begin=_BEGIN, end=_END)
    if "PuTTY-User-Key-File-" in text:
        yield from _blocks(text, begin=_PUTTY, end=_PUTTY_END)


def _blocks(text: str, *, begin: re.Pattern[str], end: re.Pattern[str]) -> Iterator[Span]:
    starts = list(begin.finditer(text))
    bounds = [*(opening.start() for opening in starts[1:]), len(text)]
    for opening, bound in zip(starts, bounds, strict=False):  # no starts, one bound
        # A block ends before the next one begins, so the searches of all blocks together pass the text once.
        closing = end.search(text, opening.end(), min(bound, opening.end() + _MAX_BLOCK_CHARS))
        if closing and _MATTER.search(text, opening.end(), closing.start()):
            yield Span(opening.start(), closing.end(), PRIVATE_KEY)
        elif not closing and (body := _CUT_BODY.match(text, opening.end(), bound)):
            yield Span(opening.start(), body.end(), PRIVATE_KEY)

"""Outcomes: what messages say was decided, found out or done, in the words that teams mark such things with.

Looks at words alone. What an outcome is worth, and how it is told, is up to `observations.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neural_memory_pipelines.domain.blocks import Kind
from neural_memory_pipelines.domain.statements import MARK_WORDS, unpaired_bold_removed
from neural_memory_pipelines.sources.slack.mrkdwn import own_words

INCIDENT = "incident"

_KINDS = {
    **{word: word for word in MARK_WORDS},
    "decided": "decision",
    "agreed": "decision",
    "resolved": "resolution",
    "conclusion": "outcome",
    "root cause": "root-cause",
    "action": "action",
    "actions": "action",
    "action item": "action",
    "action items": "action",
    "incident summary": INCIDENT,
    "incident report": INCIDENT,
    "postmortem": INCIDENT,
    "post-mortem": INCIDENT,
}
_ALTERNATIVES = "|".join(sorted((re.escape(word) for word in _KINDS), key=len, reverse=True))
_DONE_SIGN = r"(?::white_check_mark:|:heavy_check_mark:|:ballot_box_with_check:|\u2705|\u2714\ufe0f?|\u2611\ufe0f?)"
_SIGN = rf"(?:{_DONE_SIGN}|:[a-z0-9_+-]{{1,40}}:)"
# At the start of a line or of a sentence: people write both.
_START = r"(?:^[ \t]{0,8}(?:[-*+][ \t]{1,4})?|(?<=[.!?;)])[ \t]{1,4})"
_MARK = re.compile(
    rf"{_START}(?:{_SIGN}[ \t]{{0,4}})?[*_]{{0,2}}(?P<word>{_ALTERNATIVES})[*_]{{0,2}}[ \t]{{0,4}}:[*_]{{0,2}}(?!\w)"
    rf"|{_START}{_DONE_SIGN}[ \t]{{0,4}}(?P<done>(?:we (?:have )?)?(?:decided|agreed|resolved)\b)"
    rf"|^[ \t]{{0,8}}(?:\*\*|__)(?P<alone>{_ALTERNATIVES})(?:\*\*|__)[ \t]{{0,4}}$",
    re.IGNORECASE | re.MULTILINE,
)
_AGREEMENT = re.compile(
    r"\bwe(?:['\u2019]ve| have| all| both| just| now){0,2} (?:decided|agreed)(?: (?:to|that|on|against|not)\b|:)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]*_]{0,3}\s+|\n+")
_NOTHING_YET = frozenset(
    {"", "tbd", "tba", "pending", "open", "none", "none yet", "not yet", "unknown", "to be decided"}
)

_INCIDENT = re.compile(r"\b(?:sev-?[0-3]|incidents?|outage|post-?mortem)\b", re.IGNORECASE)
_OVER = re.compile(
    r"\b(?:resolved|mitigated|rolled back|recovered|all[ -]clear|back to normal|restored)\b", re.IGNORECASE
)
# Words that turn a sentence of an end into one of a hope, a fear or a question.
_NOT_OVER = re.compile(
    r"n['\u2019]t\b|\b(?:not|never|no|until|till|unless|once|when|if|whether|will|would|should|must|can|could|to be"
    r"|needs?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A statement of what came out.

    `kind` is decision, resolution, outcome, root-cause, action or incident; `said` is markdown. `is_marked` tells a
    statement that its writer marked as such from one that is known by its verb.
    """

    kind: str
    said: str
    is_marked: bool = True


def find_outcomes(markdown: str) -> list[Outcome]:
    """Find what a message says came out, in order, each statement once; code and quotes do not speak."""
    blocks = own_words(markdown)
    found: dict[Outcome, None] = {}
    for at, (_, words) in enumerate(blocks):
        marks = list(_MARK.finditer(words))
        found |= dict.fromkeys(_marked(blocks, at, marks))
        unmarked = words[: marks[0].start()] if marks else words
        found |= dict.fromkeys(
            Outcome("decision", sentence, is_marked=False)
            for sentence in sentences(unmarked)
            if _AGREEMENT.search(sentence) and not sentence.endswith("?")
        )
    return list(found)


def is_incident(text: str) -> bool:
    """Tell whether a text speaks of an incident."""
    return _INCIDENT.search(text) is not None


def ends_of_incident(markdown: str) -> list[str]:
    """List the sentences that say that something is over: resolved, mitigated, rolled back."""
    return [
        sentence
        for _, words in own_words(markdown)
        for sentence in sentences(words)
        if _OVER.search(sentence) and not _NOT_OVER.search(sentence) and not sentence.endswith("?")
    ]


def sentences(words: str) -> list[str]:
    """Divide a paragraph at the ends of its sentences and lines."""
    return [part.strip() for part in _SENTENCE_END.split(words) if part.strip()]


def _marked(blocks: Sequence[tuple[Kind, str]], at: int, marks: Sequence[re.Match[str]]) -> Iterator[Outcome]:
    """Divide a block at its marks; what a mark with nothing after it speaks of is the list below it."""
    words = blocks[at][1]
    for number, mark in enumerate(marks, start=1):
        is_last = number == len(marks)
        said = words[mark.end() : len(words) if is_last else marks[number].start()].strip()
        if is_last and (not said or said.endswith(":")):
            said = f"{said}\n\n{_below(blocks, at + 1, may_be_prose=not said)}".strip()
        if mark["done"]:
            said = f"{mark['done']} {said}".strip()
        said = unpaired_bold_removed(said)
        if said.strip(" \t\n*_.:?!-").lower() not in _NOTHING_YET:
            yield Outcome(_kind(mark), said)


def _kind(mark: re.Match[str]) -> str:
    word = mark["word"] or mark["alone"] or mark["done"].split()[-1]
    return _KINDS[" ".join(word.lower().split())]


def _below(blocks: Sequence[tuple[Kind, str]], start: int, *, may_be_prose: bool) -> str:
    end = start
    while end < len(blocks) and blocks[end][0] is Kind.ITEM and not _MARK.match(blocks[end][1]):
        end += 1
    if end == start < len(blocks) and may_be_prose and not _MARK.match(blocks[end][1]):
        end += 1
    return "\n".join(words.rstrip() for _, words in blocks[start:end])

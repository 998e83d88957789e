"""Texts with questions and the pages that answer them, which nobody here wrote. Nothing is searched here.

SciFact has judgements by people. The other two guard against settings that fit SciFact alone: their questions are cut
out of the texts, and what was cut out is not in the page that is searched.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scifact import read_abstracts, read_judgements, read_questions

_QUESTIONS = 200
_SENTENCE_CHARS = range(40, 301)
_LEAST_WORDS = 8
_HEADING = re.compile(r"^#{1,6} .+$")
_FIRST_SENTENCE = re.compile(r"[A-Z][^\n]*?[.!?](?=\s|$)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MARKUP = re.compile(r"[*_`]{1,3}")
_NOT_PROSE = re.compile(r"[{}|<>]|https?://")
_PEP_TITLE = re.compile(r"^Title:[ \t]*(.+(?:\n[ \t]+.+)*)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """A set of pages and questions.

    Attributes:
        name: also that of the workspace it is ingested into.
        pages: what is ingested, by path.
        texts: the same as other libraries are given it, by path.
        questions: by id.
        right: the paths of the pages that answer a question, by its id; at least one.
    """

    name: str
    pages: Mapping[str, str]
    texts: Mapping[str, str]
    questions: Mapping[str, str]
    right: Mapping[str, frozenset[str]]

    def write(self, folder: Path) -> None:
        """Write its pages below a folder."""
        for path, page in self.pages.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(page, encoding="utf-8")


def half_of(question_id: str) -> int:
    """Tell to which half a question belongs, 0 or 1: by its id alone, so that it is so on every machine."""
    return _digest(question_id) % 2


def scifact(folder: Path) -> JudgedSet:
    """Read SciFact: an abstract is a page, its title the heading; a claim is a question."""
    abstracts = read_abstracts(folder)
    titles = {each.id: " ".join(each.title.split()) for each in abstracts}
    return JudgedSet(
        name="scifact",
        pages={f"{each.id}.md": f"# {titles[each.id]}\n\n{each.text}\n" for each in abstracts},
        texts={f"{each.id}.md": f"{titles[each.id]} {each.text}" for each in abstracts},
        questions=read_questions(folder),
        right={key: frozenset(f"{it}.md" for it in found) for key, found in read_judgements(folder).items()},
    )


def handbook(folder: Path) -> JudgedSet:
    """Read the handbook: the first sentence of a section is a question, the page without that sentence answers it.

    A sentence that stands twice, on one page or on two, is no question. Of all that are, 200 are chosen by their hash.
    """
    root = folder / "pages"
    pages = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.md"))}
    found = [(path, spelled) for path, page in pages.items() for spelled in _first_sentences(page)]
    often = Counter(spelled for _, spelled in found)
    alone = [(path, spelled) for path, spelled in found if often[spelled] == 1 and pages[path].count(spelled) == 1]
    chosen = sorted(alone, key=lambda it: _digest(it[1]))[:_QUESTIONS]
    for path, spelled in chosen:
        pages[path] = pages[path].replace(spelled, "")
    return JudgedSet(
        name="handbook",
        pages=pages,
        texts=pages,
        questions={f"h{n:03d}": _plain(spelled) for n, (_, spelled) in enumerate(chosen)},
        right={f"h{n:03d}": frozenset({path}) for n, (path, _) in enumerate(chosen)},
    )


def peps(folder: Path) -> JudgedSet:
    """Read Python's enhancement proposals: a title is a question, the proposal without its title line answers it.

    Of all titles 200 are chosen by their hash.
    """
    pages = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("pep-*.rst"))}
    titles = {
        path: " ".join(title[1].split())
        for path, page in pages.items()
        if (title := _PEP_TITLE.search(page)) is not None
    }
    untitled = {path: _PEP_TITLE.sub("", pages[path], count=1) for path in titles}
    chosen = sorted(titles, key=lambda path: _digest(titles[path]))[:_QUESTIONS]
    return JudgedSet(
        name="peps",
        pages=untitled,
        texts=untitled,
        questions={path.removesuffix(".rst"): titles[path] for path in chosen},
        right={path.removesuffix(".rst"): frozenset({path}) for path in chosen},
    )


def _first_sentences(page: str) -> Iterator[str]:
    """Find the sentence that each section begins with, as it is spelled, where it is prose of usual length."""
    is_begun = False
    for line in page.splitlines():
        if _HEADING.match(line):
            is_begun = True
        elif is_begun and line.strip():
            is_begun = False
            sentence = _FIRST_SENTENCE.match(line)
            if sentence and _is_prose(_plain(sentence[0])):
                yield sentence[0]


def _is_prose(sentence: str) -> bool:
    return (
        len(sentence) in _SENTENCE_CHARS and len(sentence.split()) >= _LEAST_WORDS and not _NOT_PROSE.search(sentence)
    )


def _plain(spelled: str) -> str:
    return _MARKUP.sub("", _LINK.sub(r"\1", spelled))


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

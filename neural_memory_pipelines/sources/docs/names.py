"""How texts name the files around them: by path, and by number in a series ("PEP 8", "RFC 0003").

Turns such names into handles. Where they stand in a text is found in `mentions.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from neural_memory_pipelines.domain.handles import document_handle
from neural_memory_pipelines.sources.docs.sites import site_root, without_template

SOURCE = "docs"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_UNREADABLE = re.compile(r"[\x00-\x1f{}]")
_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2})?|\d{8}")
_STEM = re.compile(
    r"(?:(?P<word>[a-z]{2,12})[-_ ])?(?P<number>\d{1,6})(?P<rest>[-_. ].*)?\Z", re.IGNORECASE | re.DOTALL
)
_KNOWN_SERIES = ("adr", "bip", "dep", "eip", "jep", "kep", "mep", "nep", "pep", "rfc", "tep")
"""What texts outside of a series call documents of one: requests for comments, decision records, proposals."""

_INDEX = "index"
_DECISION_FOLDERS = frozenset({"adr", "adrs", "decisions", "decision-records"})


@dataclass(frozen=True, slots=True)
class Series:
    """The row of numbered files that a file stands in, such as pep-0008.rst, or 0003-kafka.md in rfcs/.

    Attributes:
        words: what texts call it, in lower case.
        number: the file's.
        folder: its path within the store, with a slash at the end; "" for the store's root.
        prefix: what stands before the number in a file's name; `digits` is to how many the number is padded.
        suffix: what follows the number, where it is the same for all: the extension, if nothing else does.
    """

    words: tuple[str, ...]
    number: int
    folder: str
    prefix: str
    digits: int
    suffix: str

    def sibling(self, number: int) -> str:
        """Spell the path of the file with another number, as far as the number tells it."""
        return f"{self.folder}{self.prefix}{number:0{self.digits}d}{self.suffix}"

    def own_names(self) -> tuple[str, ...]:
        """Spell the names that the file itself answers to: by number, padded and not, in its folder and the store."""
        padded = f"{self.folder}{self.prefix}{self.number:0{self.digits}d}"
        return (padded, f"{self.folder}{self.prefix}{self.number}", *(f"{word}-{self.number}" for word in self.words))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file is: what its text says of other files is meant from here."""

    store: str
    path: str
    series: Series | None = None

    def handle(self, path: str) -> str:
        """Spell the handle of a path within the store."""
        return document_handle(SOURCE, f"{self.store}/{path}")

    def linked(self, target: str) -> str | None:
        """Find the handle of what a link leads to; None if that is no other file of the store.

        Anchors and queries are dropped, percent-encoding is read, "/a/b.md" begins at the store's root. The index of
        a folder is not guessed. For pages of a site, an address without extension is the page's own: "/a/b/" begins at
        the folder of all pages, and "b/" below the page, as browsers read it.
        """
        path = unquote(without_template(target.strip()).partition("#")[0].partition("?")[0])
        if not path or _SCHEME.match(path) or _UNREADABLE.search(path):
            return None
        parts = self._start(path)
        for part in path.split("/"):
            if part == "..":
                if not parts:
                    return None
                parts.pop()
            elif part not in {"", "."}:
                parts.append(part)
        return self.handle("/".join(parts)) if parts else None

    def _start(self, path: str) -> list[str]:
        """Give the folder that a path begins in."""
        root = site_root(self.path)
        if path.startswith("/"):
            return [] if PurePosixPath(path).suffix else root
        file = PurePosixPath(self.path)
        is_below_page = root and path.endswith("/") and file.stem != _INDEX
        return [*file.parts[:-1], file.stem] if is_below_page else [*file.parts[:-1]]

    def numbered(self, word: str, number: int) -> str | None:
        """Find the handle of "<word> <number>", such as RFC 12; None if the word names no series known here."""
        spelled = word.lower()
        if self.series and spelled in self.series.words:
            return self.handle(self.series.sibling(number))
        return self.handle(f"{spelled}-{number}") if spelled in _KNOWN_SERIES else None

    def series_words(self) -> tuple[str, ...]:
        """List the words with which a number names a document."""
        return tuple(dict.fromkeys((*(self.series.words if self.series else ()), *_KNOWN_SERIES)))

    def own_handles(self) -> tuple[str, ...]:
        """List the names of the file itself: its path without extension, and those of its series."""
        stem = str(PurePosixPath(self.path).with_suffix("")) if PurePosixPath(self.path).suffix else self.path
        folder = stem.removesuffix(f"/{_INDEX}") if site_root(self.path) else stem
        names = (stem, *([folder] if folder != stem else []), *(self.series.own_names() if self.series else ()))
        return tuple(dict.fromkeys(self.handle(name) for name in names if name != self.path))


def place_of(store: str, path: str, *, title: str) -> Place:
    """Find out where a file is, and in which series.

    The words of a series are those in its files' names; where these hold a number only, the folder's name and what
    the title puts before the number ("RFC 0003: Kafka").
    """
    file = PurePosixPath(path)
    found = _STEM.match(file.stem)
    if not found or _DATE.match(file.stem):
        return Place(store, path)
    number, named = int(found["number"]), found["word"]
    words = [named.lower()] if named else [*_titled(title, number), *_called(file.parent.name.lower())]
    series = Series(
        words=tuple(dict.fromkeys(words)),
        number=number,
        folder=path[: len(path) - len(file.name)],
        prefix=file.stem[: found.start("number")],
        digits=len(found["number"]),
        suffix="" if found["rest"] or not named else file.suffix,
    )
    return Place(store, path, series)


def _titled(title: str, number: int) -> list[str]:
    found = re.match(rf"([A-Za-z]{{2,12}})[ -]#?0*{number}(?!\d)", title)
    return [found[1].lower()] if found else []


def _called(folder: str) -> list[str]:
    word = folder.removesuffix("s")
    names = ["adr"] if folder in _DECISION_FOLDERS else []
    return [*names, *([word] if re.fullmatch(r"[a-z]{2,12}", word) else [])]

"""CODEOWNERS files: which owners a path has, by the rules of GitHub.

Patterns are turned into regular expressions by the `codeowners` package; what GitHub does otherwise than it, and where
each rule stands in the text, is settled here. Who an owner is in the graph is up to the readers of the rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from codeowners import path_to_regex

from neural_memory_pipelines.domain.ids import Json

CODEOWNERS_PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks for the file, in this order: the first one found counts."""

LIMIT_BYTES = 3 * 1024 * 1024

_LINE = re.compile(r"[^\n]+")
_COMMENT = re.compile(r"(?:(?<=\s)|\A)#.*", re.DOTALL)
_WORD = re.compile(r"(?:\\.|\S)+")
_OWNER = re.compile(r"@[\w.-]+(?:/[\w.-]+)?\Z|[^\s@]+@[^\s@]+\Z|\[redacted:[\w-]+\]\Z")
_STARS = re.compile(r"\*{2,}")
_FOLDER_STARS = re.compile(r"(?:\*\*/){2,}")
_RANGE = re.compile(r"(?<!\\)[\[\]]")
# A regular expression tries all ways to divide a name among its stars, and a path among its double stars: both cubic,
# so names are as long as file systems allow, and paths no deeper than anyone makes them.
_STARS_LIMIT = 3
_NAME_LIMIT_CHARS = 255
_DEPTH_LIMIT = 256
_PATTERN_LIMIT_CHARS = 4_096
_STAND_IN_FOR_SPACE = "\x1f"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: a pattern and its owners, as they are written; none means that nobody owns what it matches.

    Attributes:
        pattern: with its escapes, as it is written.
        owners: "@login", "@org/team" or an e-mail address, which may be redacted.
        start, end: the span of the line in the text, in characters, without white space around it.
        line_number: from 1.
    """

    pattern: str
    owners: tuple[str, ...]
    start: int
    end: int
    line_number: int

    def matches(self, path: str) -> bool:
        """Tell whether the pattern matches a path (relative to the repository, with slashes)."""
        names = path.split("/")
        if len(names) > _DEPTH_LIMIT or max(map(len, names)) > _NAME_LIMIT_CHARS:
            return False
        return _compiled(self.pattern).search(path.replace(" ", _STAND_IN_FOR_SPACE)) is not None

    def as_json(self) -> list[Json]:
        """Spell the rule as JSON: pattern, owners, start, end, line number."""
        return [self.pattern, list(self.owners), self.start, self.end, self.line_number]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a file, in its order. `faults` say which lines count for nothing, and why."""

    rules: tuple[Rule, ...] = ()
    faults: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Rules:
        """Read a file. A line that GitHub would not understand is left out, as GitHub leaves it out.

        Source: https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/
        customizing-your-repository/about-code-owners (syntax, exceptions to it, and file size).
        """
        size_bytes = len(text.encode("utf-8", "surrogatepass"))
        if size_bytes > LIMIT_BYTES:
            return cls(faults=(f"{size_bytes:,} bytes are more than {LIMIT_BYTES:,}: nothing of it counts",))
        rules: list[Rule] = []
        faults: list[str] = []
        for line_number, start, line in _lines(text):
            pattern, *owners = _WORD.findall(line)
            fault = _fault(pattern, owners)
            if fault:
                faults.append(f"line {line_number}: {fault}")
                continue
            rules.append(Rule(pattern, tuple(owners), start, start + len(line), line_number))
        return cls(tuple(rules), tuple(faults))

    @classmethod
    def from_json(cls, rows: Iterable[Sequence[Json]]) -> Rules:
        """Put together what `Rule.as_json` spelled."""
        return cls(
            tuple(
                Rule(str(pattern), tuple(map(str, owners)), int(str(start)), int(str(end)), int(str(line)))
                for pattern, owners, start, end, line in rows
                if isinstance(owners, Sequence)
            )
        )

    def rule_of(self, path: str) -> Rule | None:
        """Find the rule that decides about a path: the last one that matches it."""
        return next((rule for rule in reversed(self.rules) if rule.matches(path)), None)

    def owners(self, path: str) -> tuple[tuple[str, ...], int] | None:
        """Find the owners of a path, and the line number of the rule that says so.

        Returns:
            None where no rule matches. Owners may be empty: then a rule says that nobody owns the path.
        """
        rule = self.rule_of(path)
        return (rule.owners, rule.line_number) if rule else None


def _lines(text: str) -> Iterable[tuple[int, int, str]]:
    """Give line number, start and text of each line that says something, without its comment."""
    line_number, counted_to = 1, 0
    for found in _LINE.finditer(text):
        line_number += text.count("\n", counted_to, found.start())
        counted_to = found.start()
        line = _COMMENT.sub("", found[0].removeprefix("\ufeff") if found.start() == 0 else found[0], count=1)
        bare = line.strip()
        if bare:
            yield line_number, found.start() + found[0].index(bare), bare


def _fault(pattern: str, owners: Sequence[str]) -> str | None:
    """Say why GitHub would not understand a line, or why it is not read here; None if all is well."""
    wrong = next((owner for owner in owners if not _OWNER.match(owner)), None)
    if wrong is not None:
        return f"{wrong!r} is no owner: expected @login, @organization/team or an e-mail address"
    stars = max(pattern.count("**/"), *map(_bare_stars, pattern.split("/")))
    faults = {
        f"a pattern has at most {_PATTERN_LIMIT_CHARS:,} characters": len(pattern) > _PATTERN_LIMIT_CHARS,
        "a pattern cannot be negated": pattern.startswith("!"),
        "a pattern cannot have a range of characters": _RANGE.search(pattern) is not None,
        "a pattern cannot begin with an escaped #": pattern.startswith("\\#"),
        "a pattern must name something": not pattern.strip("/"),
        f"more than {_STARS_LIMIT} stars": stars > _STARS_LIMIT,
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def _bare_stars(name: str) -> int:
    return _STARS.sub("*", name).count("*")


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # The package takes an escaped space for twenty slashes, which anchors the pattern; a character that no path holds
    # stands in for it. Stars that are doubled inside of a name mean one.
    spelled = pattern.replace("\\ ", _STAND_IN_FOR_SPACE)
    names = [name if name == "**" else _STARS.sub("*", name) for name in spelled.split("/")]
    return path_to_regex(_FOLDER_STARS.sub("**/", "/".join(names)))

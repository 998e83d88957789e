"""Which paths a list of include globs chooses. Knows texts only, no file system.

The rules are those of the usual glob tools, not of .gitignore: a pattern is anchored at the folder's root.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from neural_memory_pipelines.errors import PermanentError

_TOKEN = re.compile(
    r"(?P<folders>(?<![^/])\*\*/)|(?P<all>\*\*)|(?P<some>\*)|(?P<one>\?)"
    r"|\[(?P<no>[!^]?)(?P<letters>\]?[^]/]*)\]|\{(?P<choices>[^{}]*)\}|\\(?P<escaped>.)|(?P<plain>.)",
    re.DOTALL,
)
_WILD = re.compile(r"[*?\[{]")


def compile_globs(globs: Sequence[str]) -> Callable[[str], bool]:
    r"""Make the test of whether a path (relative, with slashes) is chosen.

    `*` and `?` stay within a name, `**` crosses folders, `[a-z]` and `{md,mdx}` offer choices, a backslash escapes.
    A pattern without any of these names a file, or a folder with all that it holds. `!` in front takes away again;
    of the patterns that match a path, the last one decides.

    Raises:
        PermanentError: a pattern cannot be read.
    """
    rules = [(not glob.startswith("!"), _compile(glob.removeprefix("!"))) for glob in globs]

    def is_chosen(path: str) -> bool:
        return next((chosen for chosen, rule in reversed(rules) if rule.fullmatch(path)), False)

    return is_chosen


def _compile(glob: str) -> re.Pattern[str]:
    plain = re.sub(r"^(\./|/)+", "", glob.strip())
    if not plain:
        raise PermanentError(f"glob {glob!r} names nothing: expected a pattern such as docs/**/*.md")
    names_folder = plain.endswith("/") or not _WILD.search(plain)
    try:
        return re.compile(_translate(plain.rstrip("/")) + ("(?:/.*)?" if names_folder else ""), re.DOTALL)
    except re.error as error:
        raise PermanentError(f"glob {glob!r} cannot be read: {error}") from error


def _translate(glob: str) -> str:
    return "".join(map(_translate_token, _TOKEN.finditer(glob)))


def _translate_token(token: re.Match[str]) -> str:
    kind = token.lastgroup
    if kind == "letters":
        letters = token["letters"].replace("\\", r"\\").replace("[", r"\[").replace("^", r"\^")
        letters = letters.replace("]", r"\]", 1) if letters.startswith("]") else letters
        return f"(?!/)[{'^' if token['no'] else ''}{letters}]"
    if kind == "choices":
        return f"(?:{'|'.join(map(_translate, token['choices'].split(',')))})"
    fixed = {"folders": "(?:[^/]+/)*", "all": ".*", "some": "[^/]*", "one": "[^/]"}
    return fixed.get(str(kind)) or re.escape(token["escaped"] or token["plain"])

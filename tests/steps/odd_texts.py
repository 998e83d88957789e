"""Huge and odd texts, each with a word at its far end that no other has."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

FAR_WORDS = {
    "a hundred thousand lines": "quillfeather",
    "one line of a million characters": "marmalade",
    "one word of a million characters": "zeppelin",
    "right to left": "kumquat",
    "emoji": "bandersnatch",
    "zero width and combining characters": "xylophone",
    "five thousand headings": "jabberwock",
    "nested quotes and lists": "wolverhampton",
    "a table of twenty thousand rows": "pumpernickel",
    "one fence": "thunderbolt",
    "a comment that never ends": "hippopotamus",
    "controls and separators": "yggdrasil",
}
_SYLLABLES = ("ka", "le", "mi", "ro", "ta", "ne", "so", "vi", "du", "pa", "re", "lo", "ti", "me", "ga")
_HEBREW = "האונייה עוגנת ברציף הצפוני עד שעות הערב. "
_ARABIC = "\u202bترسو السفينة في الرصيف الشمالي\u202c حتى المساء؟ "
_FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
_FLAGS = (
    "\U0001f1f3\U0001f1f1\U0001f1eb\U0001f1ee\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
)
_SKIN = "\U0001f44b\U0001f3fd"


def far_sentence(name: str) -> str:
    """Write what stands at the far end of a text."""
    return f"The {FAR_WORDS[name]} is kept where the {FAR_WORDS[name]} was."


def words(count: int, *, seed: int = 5) -> list[str]:
    """Make up words, the same every time."""
    chance = random.Random(seed)
    return ["".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(count)]


def prose_of(size_chars: int, *, between: str = "\n\n", seed: int = 5) -> str:
    """Write paragraphs of made-up sentences, of about a size."""
    picked = words(size_chars // 5, seed=seed)
    sentences = [" ".join(picked[at : at + 9]).capitalize() + "." for at in range(0, len(picked), 9)]
    return between.join(" ".join(sentences[at : at + 6]) for at in range(0, len(sentences), 6))


def _lines() -> str:
    picked = words(100_000)
    return "\n".join(f"{number} {word} {picked[-number]}" for number, word in enumerate(picked))


def _nested() -> str:
    lists = "\n".join("  " * (depth % 400) + f"- berth {depth}" for depth in range(4_000))
    quotes = "\n".join("> " * (depth % 400 + 1) + f"crane {depth}" for depth in range(4_000))
    return f"{lists}\n\n{quotes}"


def _table() -> str:
    rows = (f"| {word} {number} | crew {number % 7} |" for number, word in enumerate(words(20_000)))
    return "\n".join(("| berth | crew |", "|---|---|", *rows))


TEXTS: Mapping[str, Callable[[], str]] = {
    "a hundred thousand lines": _lines,
    "one line of a million characters": lambda: prose_of(1_000_000, between=" "),
    "one word of a million characters": lambda: "x" * 1_000_000,
    "right to left": lambda: (_HEBREW + _ARABIC) * 1_000,
    "emoji": lambda: (_FAMILY + _FLAGS + _SKIN) * 2_000 + "\n\n" + f"{_FAMILY} ".join(words(2_000)),
    "zero width and combining characters": lambda: (
        "\u200b".join(words(5_000)) + "e\u0301\u0323" * 5_000 + "\ufeff\u2060"
    ),
    "five thousand headings": lambda: "\n\n".join(f"{'#' * (n % 6 + 1)} Berth {n}" for n in range(5_000)),
    "nested quotes and lists": _nested,
    "a table of twenty thousand rows": _table,
    "one fence": lambda: "```sh\n" + "\n".join(words(50_000)) + "\n```",
    "a comment that never ends": lambda: "<!-- " + prose_of(200_000),
    "controls and separators": lambda: (
        "".join(f"berth{chr(code)}" for code in (*range(1, 32), *range(127, 160), 0x2028, 0x2029, 0xFFFE, 0xFFFF)) * 200
    ),
}
"""By name: the text, without the sentence at its far end."""

"""A made corpus: markdown files of about 7 KB with headings, paragraphs, lists and code, the same on every machine."""

from __future__ import annotations

import random
from pathlib import Path

_SYLLABLES = (
    "ka",
    "le",
    "mi",
    "ro",
    "ta",
    "ne",
    "so",
    "vi",
    "du",
    "pa",
    "re",
    "lo",
    "ti",
    "me",
    "ga",
    "no",
    "su",
    "be",
)
_WORDS = 6_000


def write_corpus(folder: Path, *, files: int, seed: int = 7) -> None:
    """Write `files` markdown files into subfolders of `folder`."""
    chance = random.Random(seed)
    words = ["".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(_WORDS)]
    # Zipf's law: a word's weight falls with its rank.
    weights = [1 / (rank + 2) for rank in range(_WORDS)]
    for number in range(files):
        path = folder / f"part-{number % 20:02d}" / f"page-{number:05d}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_page(chance, words, weights, number), encoding="utf-8")


def edit_share(folder: Path, *, share: float, seed: int = 11) -> int:
    """Insert a paragraph on top of a share of the files.

    Returns:
        How many files were edited.
    """
    paths = sorted(folder.rglob("*.md"))
    chosen = random.Random(seed).sample(paths, max(1, round(len(paths) * share)))
    for path in chosen:
        title, _, rest = path.read_text(encoding="utf-8").partition("\n\n")
        path.write_text(
            f"{title}\n\nThis page was reviewed; see {path.stem} for the outcome.\n\n{rest}", encoding="utf-8"
        )
    return len(chosen)


def _page(chance: random.Random, words: list[str], weights: list[float], number: int) -> str:
    def sentence() -> str:
        picked = chance.choices(words, weights, k=chance.randint(6, 18))
        return " ".join(picked).capitalize() + "."

    parts = [f"# Page {number}: {' '.join(chance.choices(words, weights, k=4))}"]
    for _ in range(11):
        parts.append(f"## {' '.join(chance.choices(words, weights, k=3)).capitalize()}")
        parts.extend(" ".join(sentence() for _ in range(chance.randint(2, 5))) for _ in range(2))
        if chance.random() < 0.4:
            parts.append("\n".join(f"- {sentence()}" for _ in range(chance.randint(2, 5))))
        if chance.random() < 0.2:
            parts.append("```sh\n" + "\n".join(chance.choices(words, weights, k=5)) + "\n```")
    return "\n\n".join(parts) + "\n"

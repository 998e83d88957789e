"""SciFact as a folder of documents, with its questions and judgements. For benchmarks of retrieval; it judges none.

5,183 abstracts, 300 claims as questions, 339 judgements (BEIR's test split; CC BY 4.0, ODC-By).
"""

from __future__ import annotations

import ast
import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

_BETWEEN_SENTENCES = re.compile(r"(?<=['\"])\n (?=['\"])")
_LONGEST_FIELD_CHARS = 10_000_000


@dataclass(frozen=True, slots=True)
class Abstract:
    """A document: its title, and its sentences as one text."""

    id: str
    title: str
    text: str


def read_abstracts(folder: Path) -> list[Abstract]:
    """Read the corpus."""
    csv.field_size_limit(_LONGEST_FIELD_CHARS)
    with (folder / "corpus_train.csv").open(encoding="utf-8", newline="") as file:
        return [
            Abstract(row["doc_id"], row["title"].strip(), " ".join(_sentences(row["abstract"])))
            for row in csv.DictReader(file)
        ]


def read_questions(folder: Path) -> dict[str, str]:
    """Read the questions that have judgements, by id."""
    judged = read_judgements(folder)
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {item["_id"]: item["text"] for item in map(json.loads, lines)}
    return {key: texts[key] for key in judged}


def read_judgements(folder: Path) -> dict[str, set[str]]:
    """Read which documents answer each question, by its id."""
    judged: dict[str, set[str]] = {}
    for line in (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines():
        question, _, document, relevance = line.split()
        if int(relevance) > 0:
            judged.setdefault(question, set()).add(document)
    return judged


def write_folder(abstracts: list[Abstract], folder: Path) -> None:
    """Write each abstract as a markdown page."""
    folder.mkdir(parents=True, exist_ok=True)
    for abstract in abstracts:
        page = f"# {' '.join(abstract.title.split())}\n\n{abstract.text}\n"
        (folder / f"{abstract.id}.md").write_text(page, encoding="utf-8")


def _sentences(spelled: str) -> list[str]:
    """Read a printed array of texts: quoted as Python does, without commas between them."""
    inner = spelled.strip().removeprefix("[").removesuffix("]")
    return [str(ast.literal_eval(quoted)).strip() for quoted in _BETWEEN_SENTENCES.split(inner) if quoted]

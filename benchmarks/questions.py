"""Asks the sample workspace its questions, by dense search alone, and tells at which place a right document stands.

Run `make run` first; then: .venv/bin/python benchmarks/questions.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import open_session
from neural_memory_pipelines.retrieval.dense import search
from neural_memory_pipelines.settings import load_settings

_WORKSPACE = WorkspaceId("harbor")
_QUESTIONS = Path(__file__).parents[1] / "samples" / "harbor" / "questions.yaml"
_TOP = 5
_SEARCHED = 40


def main() -> None:
    """Print a line per question and the share with a right document among the first five."""
    questions: list[dict[str, Any]] = yaml.safe_load(_QUESTIONS.read_text(encoding="utf-8"))["questions"]
    session = open_session(load_settings())
    version = session.active_version(_WORKSPACE)
    embedder = session.embedder(version)
    found = 0
    for item in questions:
        right = {(answer["source"], answer["source_id"]) for answer in item["expects"]}
        hits = search(
            item["question"],
            workspace=_WORKSPACE,
            stores=session.stores,
            version=version,
            embedder=embedder,
            limit=_SEARCHED,
        )
        place = next((at for at, hit in enumerate(hits, 1) if (hit.source, hit.source_id) in right), None)
        found += place is not None and place <= _TOP
        print(f"{item['id']}  {place or '-':>3}  {', '.join(item['tags']):<14}  {item['question'][:90]}")
    session.close()
    print(f"{found} of {len(questions)} have a right document among the first {_TOP}")


if __name__ == "__main__":
    main()

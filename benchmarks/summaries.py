"""Extractive summaries of labelled topics: keywords covered, redundancy, seconds; and summaries to read.

The topics are the labels of banking77 (PolyAI, CC BY 4.0), which lies beside the checkout, and clusters of the sample
workspace. .venv/bin/python benchmarks/summaries.py [folder of banking77, or "-" for none]
"""

from __future__ import annotations

import csv
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import CountVectorizer

from neural_memory_pipelines.domain.documents import Changes, SourceDraft
from neural_memory_pipelines.domain.ids import ObservationId
from neural_memory_pipelines.domain.summaries.candidates import candidates
from neural_memory_pipelines.domain.summaries.evidence import Evidence, Summary
from neural_memory_pipelines.models.embedders.protocol import InputRole, Vectors
from neural_memory_pipelines.models.embedders.registry import load_embedder
from neural_memory_pipelines.models.embedders.specs import MINILM
from neural_memory_pipelines.models.summarizers.extractive import ExtractiveSummarizer
from neural_memory_pipelines.sources.envelope import decode_envelope
from neural_memory_pipelines.sources.registry import SOURCES

_CHECKOUT = Path(__file__).parents[1]
_SAMPLE = _CHECKOUT / "samples" / "harbor"
_BANKING = _CHECKOUT.parent / "shared" / "data" / "banking77" / "banking_data"
_START = datetime(2026, 1, 1, tzinfo=UTC)
_KEYWORDS = 8
_MOST_OBSERVATIONS = 150  # of a topic: those nearest to its centroid, as the step gives them
_READ = 12
_SAMPLE_TOPICS = 8


@dataclass(frozen=True)
class Topic:
    """A name and its observations."""

    name: str
    evidence: list[Evidence]


@dataclass(frozen=True)
class Figures:
    """Of the sentences of one summary."""

    sentences: int
    keywords: float
    redundancy: float


def main() -> None:
    """Print a line per way of choosing, then the summaries to read."""
    embedder = load_embedder(MINILM.model)
    cache: dict[str, npt.NDArray[np.float32]] = {}

    def embed(texts: Sequence[str]) -> Vectors:
        new = sorted({text for text in texts if text not in cache}, key=len)
        for start in range(0, len(new), embedder.batch_size):
            batch = new[start : start + embedder.batch_size]
            cache.update(zip(batch, embedder.embed(batch, role=InputRole.SEARCH_DOCUMENT), strict=True))
        return np.stack([cache[text] for text in texts])

    folder = sys.argv[1] if len(sys.argv) > 1 else str(_BANKING)
    if folder != "-":
        report("banking77, by label", banking_topics(Path(folder), embed), embed, read=_READ)
    report("sample workspace, by cluster", sample_topics(embed), embed, read=_SAMPLE_TOPICS)


def report(name: str, topics: list[Topic], embed: Callable[[Sequence[str]], Vectors], *, read: int) -> None:
    """Measure all topics, and print some of their summaries."""
    keywords = top_words(topics)
    summarizer = ExtractiveSummarizer(embed)
    summaries: dict[str, Summary] = {}
    figures: dict[str, list[Figures]] = {"chosen": [], "random": [], "first": []}
    for topic in topics:
        embed([candidate.text for candidate in candidates(topic.evidence)])
    started = time.process_time()
    for topic in topics:
        summary = summarizer.summarize(topic.name, topic.evidence).summary
        assert summary is not None, topic.name
        summaries[topic.name] = summary
    seconds = time.process_time() - started
    for topic in topics:
        texts = [sentence.text for sentence in summaries[topic.name].sentences]
        all_texts = [candidate.text for candidate in candidates(topic.evidence)]
        ways = {
            "chosen": texts,
            "random": random.Random(7).sample(all_texts, min(len(texts), len(all_texts))),
            "first": all_texts[: len(texts)],
        }
        for way, said in ways.items():
            figures[way].append(measured(said, keywords[topic.name], embed))
    print(f"\n# {name}: {len(topics)} topics, {1000 * seconds / len(topics):.0f} ms each without the model")
    for way, measures in figures.items():
        count, covered, alike = (np.mean([getattr(one, key) for one in measures]) for key in Figures.__annotations__)
        print(f"{way:>7}: {count:.1f} sentences, {covered:.0%} of {_KEYWORDS} keywords, mean cosine {alike:.3f}")
    for topic in random.Random(3).sample(topics, min(read, len(topics))):
        summary = summaries[topic.name]
        print(f"\n## {topic.name} ({len(topic.evidence)} observations; {' '.join(keywords[topic.name])})")
        print(summary.text)


def measured(said: list[str], keywords: list[str], embed: Callable[[Sequence[str]], Vectors]) -> Figures:
    """Measure sentences: share of the topic's keywords in them, and their mean cosine to each other."""
    words = set(CountVectorizer().build_analyzer()(" ".join(said)))
    vectors = embed(said)
    cosines = vectors @ vectors.T
    pairs = cosines[np.triu_indices(len(said), k=1)]
    covered = sum(word in words for word in keywords) / len(keywords)
    return Figures(len(said), covered, float(pairs.mean()) if len(pairs) else 0.0)


def top_words(topics: list[Topic]) -> dict[str, list[str]]:
    """Find the words that set each topic apart, by class-based TF-IDF (Grootendorst 2022, arxiv.org/abs/2203.05794)."""
    counter = CountVectorizer(stop_words="english", token_pattern=r"[a-zA-Z][a-zA-Z]{2,}")
    counts = counter.fit_transform([" ".join(item.text for item in topic.evidence) for topic in topics]).toarray()
    words = counter.get_feature_names_out()
    weights = counts / counts.sum(axis=1, keepdims=True) * np.log(1 + counts.sum() / len(topics) / counts.sum(axis=0))
    return {
        topic.name: [str(words[at]) for at in np.argsort(-row, kind="stable")[:_KEYWORDS]]
        for topic, row in zip(topics, weights, strict=True)
    }


def banking_topics(folder: Path, embed: Callable[[Sequence[str]], Vectors]) -> list[Topic]:
    """Read the labels, with made-up days."""
    rows: dict[str, list[str]] = {}
    for file in ("train.csv", "test.csv"):
        with (folder / file).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                rows.setdefault(row["category"], []).append(row["text"])
    topics = []
    for label, texts in sorted(rows.items()):
        vectors = embed(texts)
        nearest = np.argsort(-(vectors @ vectors.mean(axis=0)), kind="stable")[:_MOST_OBSERVATIONS]
        evidence = [
            Evidence(ObservationId(f"{label}-{at}"), texts[at], _START + timedelta(days=int(at))) for at in nearest
        ]
        topics.append(Topic(label, evidence))
    return topics


def sample_topics(embed: Callable[[Sequence[str]], Vectors]) -> list[Topic]:
    """Cluster the observations of the sample workspace (without threads and pages, which need the steps)."""
    evidence = sample_evidence()
    vectors = embed([item.text for item in evidence])
    labels = KMeans(_SAMPLE_TOPICS, n_init=10, random_state=0).fit_predict(vectors)
    groups = [
        [item for item, of in zip(evidence, labels, strict=True) if of == label] for label in range(_SAMPLE_TOPICS)
    ]
    return [Topic(f"sample {number}", group) for number, group in enumerate(groups) if len(group) >= 3]


def sample_evidence() -> list[Evidence]:
    """Read what GitHub, Linear and Notion tell of the sample workspace, each document as it was described last."""
    drafts: dict[str, SourceDraft] = {}
    for name in ("github", "linear", "notion"):
        for line in (_SAMPLE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            event = decode_envelope(line)
            changes = SOURCES[event.source].parse(event)
            for draft in changes.drafts if isinstance(changes, Changes) else ():
                if draft.key not in drafts or drafts[draft.key].as_of <= draft.as_of:
                    drafts[draft.key] = draft
    return [
        Evidence(
            ObservationId(observation.content_hash(draft.key)),
            observation.text,
            observation.occurred_at,
            title=observation.title,
            source=draft.source,
            type=draft.type,
            tags=tuple(observation.tags),
            importance=observation.importance,
        )
        for draft in drafts.values()
        for observation in draft.observations
    ]


if __name__ == "__main__":
    main()

"""Judges a version that was built beside the active one: is it whole, is it sound, does it answer as well?

It records what it found; whether that lets the version be promoted is decided in `promote.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.evaluation_settings import EvaluationSettings
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import Quality
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.steps.embed import embed_texts
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import Verdict, every_live_row_embedded, index_parity
from neural_memory_pipelines.steps.versions.quality import LoadEmbedder, VersionsCompared, compare, keep_comparison
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import families, lifecycles, vectors_kept

_SAMPLED_NORMS = 2_000
_EMBEDDED_AGAIN = 32
_NORM_TOLERANCE = 1e-3
_WORSE_SHOWN = 25
_LEAST_COSINE = (
    0.999  # of a text embedded twice: services and bfloat16 differ in the fourth place, another model in the first
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A version under judgement, and the one that is served.

    Attributes:
        workspace, version, served, stores, load_embedder: what is judged, beside what, and by what means.
        most_loss: how far recall@5, recall@10 and nDCG@10 may fall, 0..1.
        report: whether others are to be told of its evaluation.
        at: when; aware.
    """

    workspace: WorkspaceId
    version: EmbeddingVersion
    served: EmbeddingVersion
    stores: Stores
    load_embedder: LoadEmbedder
    most_loss: float = 0.02
    report: bool = False
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def allowed(self) -> EvaluationSettings:
        """How much worse it may answer."""
        return EvaluationSettings(self.most_loss, self.most_loss, self.most_loss)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check of the gate found; `rows` are what it found one by one, such as questions that got worse."""

    name: str
    passed: bool
    sentence: str
    numbers: dict[str, float] = field(default_factory=dict)
    rows: tuple[dict[str, str | int], ...] = ()


def vectors_are_whole(judged: Judged) -> Finding:
    """Is every live text embedded, and does the index hold the vectors that it should, id by id?"""
    verdicts: list[Verdict] = []
    for family in Family:
        scope = Scope(judged.workspace, judged.version, family, judged.stores)
        verdicts += [every_live_row_embedded(scope), index_parity(scope)]
    failed = [verdict.sentence for verdict in verdicts if not verdict.passed]
    desired = sum(verdict.numbers.get("desired", 0) for verdict in verdicts)
    return Finding(
        "vectors_are_whole",
        not failed,
        "; ".join(failed) or f"all {desired} vectors are there",
        {"desired": desired, "missing": sum(verdict.numbers["missing"] for verdict in verdicts)},
    )


def vectors_are_sound(judged: Judged) -> Finding:
    """Has every vector the dimension of its version, and is its length 1?"""
    with judged.stores.database.transaction(judged.workspace) as tx:
        odd = vectors_kept.count_odd_lengths(tx, judged.version)
        sample = vectors_kept.sample_vectors(tx, judged.version, limit=_SAMPLED_NORMS)
    norms = np.array([np.linalg.norm(vector.values) for vector in sample])
    bad = int(np.count_nonzero(~(np.abs(norms - 1) <= _NORM_TOLERANCE)))
    return Finding(
        "vectors_are_sound",
        not odd and not bad,
        f"{odd} vectors have not {judged.version.dim} values; of {len(sample)} looked at, {bad} are not of length 1",
        {"odd_dimension": odd, "looked_at": len(sample), "odd_length": bad},
    )


def texts_embed_the_same(judged: Judged) -> Finding:
    """Does a sample of texts, embedded again, give the vectors that were kept?"""
    with judged.stores.database.transaction(judged.workspace) as tx:
        sampled = {
            text.content_hash: text
            for family in Family
            for text in families.sample_texts(tx, judged.version, family, limit=_EMBEDDED_AGAIN)
        }
        # By hash, and so from all families alike.
        texts = [sampled[key] for key in sorted(sampled)][:_EMBEDDED_AGAIN]
        kept = vectors_kept.vectors_of(tx, judged.version, [text.content_hash for text in texts])
    texts = [text for text in texts if text.content_hash in kept]
    if not texts:
        return Finding("texts_embed_the_same", True, "there is nothing to embed again", {"embedded_again": 0})
    again, _tokens = embed_texts([text.body for text in texts], judged.load_embedder(judged.version))
    cosines = [_cosine(kept[text.content_hash], vector) for text, vector in zip(texts, again, strict=True)]
    return Finding(
        "texts_embed_the_same",
        min(cosines) >= _LEAST_COSINE,
        f"{len(texts)} texts embedded again: the lowest cosine to what was kept is {min(cosines):.5f}",
        {"embedded_again": len(texts), "lowest_cosine": round(min(cosines), 6)},
    )


def _cosine(kept: npt.NDArray[np.float32], again: npt.NDArray[np.float32]) -> float:
    """Compare two vectors; one of another length, or that is not finite, is like nothing."""
    return float(np.dot(kept, again)) if kept.shape == again.shape and np.isfinite(kept).all() else 0.0


def answers_are_as_good(judged: Judged) -> Finding:
    """Are recall and nDCG on the workspace's questions not below those of the active version?"""
    compared = compare(
        judged.workspace,
        judged.version,
        judged.served,
        stores=judged.stores,
        load_embedder=judged.load_embedder,
        at=judged.at,
    )
    lost = keep_comparison(
        compared, judged.workspace, stores=judged.stores, allowed=judged.allowed, report=judged.report
    )
    new, old = compared.candidate, compared.served
    kind = "questions" if compared.are_own else "titles that stand in for questions"
    return Finding(
        "answers_are_as_good",
        not lost,
        f"{new.questions} {kind}: recall@5 {new.recall_at_5:.3f} (served: {old.recall_at_5:.3f}), "
        f"recall@10 {new.recall_at_10:.3f} (served: {old.recall_at_10:.3f}), "
        f"nDCG@10 {new.ndcg_at_10:.3f} (served: {old.ndcg_at_10:.3f}); at most {judged.most_loss:g} may be lost"
        + _worst(compared),
        {"questions": new.questions, **_rounded(new), **{f"served_{name}": it for name, it in _rounded(old).items()}},
        tuple(
            {
                "question": change.question,
                "id": change.question_id,
                "place": change.place or 0,
                "served": change.place_before or 0,
            }
            for change in compared.worse[:_WORSE_SHOWN]
        ),
    )


def _rounded(quality: Quality) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(quality).items() if name != "questions"}


GATE: dict[str, Callable[[Judged], Finding]] = {
    check.__name__: check for check in (vectors_are_whole, vectors_are_sound, texts_embed_the_same, answers_are_as_good)
}
"""The checks that a version must pass, by name, the cheap ones first."""


def judge(judged: Judged) -> list[Finding]:
    """Ask all checks of the gate, and record what they found."""
    found = [check(judged) for check in GATE.values()]
    record(judged, found)
    return found


def record(judged: Judged, found: list[Finding]) -> None:
    """Keep what the gate found, beside the version."""
    with judged.stores.database.transaction(judged.workspace) as tx:
        lifecycles.record_gate(
            tx,
            judged.version.name,
            passed=all(finding.passed for finding in found),
            found={"served": judged.served.name, "checks": [asdict(finding) for finding in found]},
        )


def _worst(compared: VersionsCompared) -> str:
    if not compared.worse:
        return ""
    shown = ", ".join(
        f"{change.question_id} ({change.place_before or 'none'} to {change.place or 'none'})"
        for change in compared.worse[:5]
    )
    return f"; found later: {shown}"

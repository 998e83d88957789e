"""`neural-memory summary`: what a topic or an entity's time window comes down to, with all that it rests on.

Who writes summaries, and from what, is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any

import typer

from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import err, out, print_json
from neural_memory_pipelines.cli.pages import (
    print_columns,
    print_wrapped,
    spell_bar,
    spell_counts,
    spell_days,
    with_iso_times,
)
from neural_memory_pipelines.domain.ids import ObservationId
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.stores.postgres.clusters import TOPIC
from neural_memory_pipelines.stores.postgres.consolidation_lookup import (
    CitedObservation,
    NamedCluster,
    cited_observations,
    clusters_named,
)
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.summaries import SummaryRow, summaries_named, summaries_of

_CANDIDATES = 10
_FIRST_WORDS_CHARS = 160

_Cited = Mapping[ObservationId, CitedObservation]


@dataclass(frozen=True, slots=True)
class ShownSummary:
    """A summary and the observations that it cites; what is gone is missing."""

    summary: SummaryRow
    cited: _Cited

    @property
    def is_shown(self) -> bool:
        """Whether all may still read what it rests on: search does not find it otherwise either."""
        return all(observation.is_shown for observation in self.cited.values())


def summary(
    id_: Annotated[
        str, typer.Argument(metavar="ID", help="A summary's or a topic's id, or a beginning that no other has.")
    ],
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Whose memory.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a summary with what it rests on; of a topic, all its summaries, the latest first."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            shown = with_evidence(tx, _chosen(tx, id_.strip()))
    readable = [item for item in shown if item.is_shown]
    if not readable:
        raise NotFoundError(
            f"{shown[0].summary.summary_id} rests on what not all may read any more, or on what was deleted: "
            f"run `neural-memory consolidate --workspace {name}`, which writes it again"
        )
    if len(readable) < len(shown):
        err.print(f"note: {len(shown) - len(readable)} are not shown: not all may read any more what they rest on")
    if json:
        print_json([spelled(item) for item in readable])
        return
    for number, item in enumerate(readable):
        if number:
            out.print()
        print_summary(item)


def with_evidence(tx: Transaction, summaries: Sequence[SummaryRow]) -> list[ShownSummary]:
    """Read what summaries cite."""
    cited = cited_observations(tx, sorted({key for item in summaries for key in item.evidence}))
    return [ShownSummary(item, {key: cited[key] for key in item.evidence if key in cited}) for item in summaries]


def print_summary(shown: ShownSummary) -> None:
    """Show a summary: its sentences, what each rests on, what it covers, and who wrote it."""
    summary = shown.summary
    print_wrapped(summary.title, style="bold")
    print_wrapped(f"{_window(summary)}  {summary.summary_id}", indent=2, style="cyan")
    if summary.superseded_at is not None:
        print_wrapped(f"taken out on {summary.superseded_at:%Y-%m-%d}: its topic or its evidence is gone", indent=2)
    out.print()
    numbers = {key: number for number, key in enumerate(summary.evidence, start=1)}
    print_columns([_sentence(sentence, numbers, shown.cited) for sentence in summary.sentences])
    out.print()
    print_columns([_evidence(number, key, shown.cited.get(key)) for key, number in numbers.items()])
    out.print()
    print_columns([*_covered(summary.coverage), ("written by", _written_by(summary))])


def spelled(shown: ShownSummary) -> dict[str, Any]:
    """Spell a summary with its evidence for a program."""
    evidence = [
        {"number": number, "observation_id": key, **(asdict(shown.cited[key]) if key in shown.cited else {})}
        for number, key in enumerate(shown.summary.evidence, start=1)
    ]
    spelled: dict[str, Any] = with_iso_times({**asdict(shown.summary), "evidence": evidence})
    return spelled


def _chosen(tx: Transaction, prefix: str) -> list[SummaryRow]:
    """Find the one summary that a prefix means, or all of the one topic.

    Raises:
        NotFoundError: there is none; says where to look.
        PermanentError: there are several; names them.
    """
    if not prefix:
        raise PermanentError("the id is empty: `neural-memory topics` shows those of topics")
    found = _narrowed(summaries_named(tx, prefix, limit=_CANDIDATES + 1), prefix)
    clusters = clusters_named(tx, prefix, limit=_CANDIDATES + 1)
    clusters = [item for item in clusters if item.cluster_id == prefix] or clusters
    if len(found) + len(clusters) > 1:
        raise PermanentError(f"{prefix!r} may be any of {_named(found, clusters)}: give more of the id")
    if found:
        return found
    if clusters:
        return _summaries_of(tx, clusters[0])
    raise NotFoundError(
        f"no summary and no topic has an id that begins with {prefix!r}: "
        f"`neural-memory topics --workspace {tx.workspace_id}` lists those that there are"
    )


def _narrowed(found: list[SummaryRow], prefix: str) -> list[SummaryRow]:
    """Prefer the whole id, then what was not taken out."""
    exact = [item for item in found if item.summary_id == prefix]
    living = [item for item in found if item.superseded_at is None]
    return exact or living or found


def _named(found: Sequence[SummaryRow], clusters: Sequence[NamedCluster]) -> str:
    named = [f"{item.summary_id} ({item.title})" for item in found]
    named += [f"{item.cluster_id} ({item.label})" for item in clusters]
    return ", ".join(named[:_CANDIDATES]) + (" and more" if len(named) > _CANDIDATES else "")


def _summaries_of(tx: Transaction, cluster: NamedCluster) -> list[SummaryRow]:
    found = summaries_of(tx, [cluster.cluster_id])
    if found:
        return found
    what = "topic" if cluster.kind == TOPIC else "time window of an entity"
    if cluster.died_at is not None:
        raise NotFoundError(
            f"{cluster.cluster_id} ({cluster.label}) is a {what} that ended on {cluster.died_at:%Y-%m-%d}: "
            f"`neural-memory topics --events --workspace {tx.workspace_id}` tells what became of it"
        )
    raise NotFoundError(
        f"{cluster.cluster_id} ({cluster.label}) is a {what} without a summary: "
        f"`neural-memory consolidate --workspace {tx.workspace_id}` writes what can be written"
    )


def _window(summary: SummaryRow) -> str:
    return spell_days(datetime.fromisoformat(summary.window["start"]), summary.occurred_at)


def _sentence(sentence: Mapping[str, Any], numbers: Mapping[ObservationId, int], cited: _Cited) -> tuple[str, str]:
    keys = [ObservationId(key) for key in sentence["observation_ids"]]
    times = [cited[key].occurred_at for key in keys if key in cited]
    days = spell_days(min(times), max(times), between="\nto ") if times else ""
    references = ", ".join(str(numbers[key]) for key in keys if key in numbers)
    return days, f"{sentence['text']} [{references}]"


def _evidence(number: int, key: ObservationId, cited: CitedObservation | None) -> tuple[str, str]:
    if cited is None:
        return f"[{number}]", f"{key}: gone"
    changed = ", which says something else now" if cited.is_superseded else ""
    first_words = clip(cited.text, _FIRST_WORDS_CHARS)
    where = f"{cited.occurred_at:%Y-%m-%d} {cited.source} {cited.source_id}{changed}"
    return f"[{number}]", f"{where}\n{key}\n{first_words}"


def _covered(coverage: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [("covers", f"{coverage['observations']:,} observations, {coverage['cited']:,} of them cited")]
    for title, name in (("by source", "by_source"), ("by type", "by_type"), ("by tag", "by_tag")):
        if coverage.get(name):
            rows.append((title, spell_counts(coverage[name])))
    months: Mapping[str, int] = coverage.get("by_month") or {}
    if len(months) > 1:
        rows.append(("by month", f"{min(months)} {spell_bar([months[it] for it in sorted(months)])} {max(months)}"))
    return rows


def _written_by(summary: SummaryRow) -> str:
    if not summary.unsupported:
        return summary.written_by
    plural = (
        "sentence that nothing supported was" if summary.unsupported == 1 else "sentences that nothing supported were"
    )
    return f"{summary.written_by}; {summary.unsupported} {plural} dropped"

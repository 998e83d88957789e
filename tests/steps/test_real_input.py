"""Every real payload ends persisted, unchanged, skipped for a reason of the fixed list, or dead for a right reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.events import EventStatus, SkipReason
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session

from .dumps import rows
from .real_corpora import CORPORA, Account, Corpus, account_for, docs_corpus

# Every fifth proposal: all of them take half a minute, which the benchmark spends.
PEPS = docs_corpus("peps", include="pep-???[05].rst")
TESTED = (*(corpus for corpus in CORPORA if corpus.name != PEPS.name), PEPS)

SKIPPED: dict[str, set[SkipReason]] = {
    "github_webhooks": {
        SkipReason.UNSUPPORTED_EVENT,
        SkipReason.SUPERSEDED,
        SkipReason.EMPTY,
        SkipReason.NOT_DEFAULT_BRANCH,
        SkipReason.TRIVIAL,
    },
    "notion_cassettes": {SkipReason.UNSUPPORTED_EVENT, SkipReason.EMPTY, SkipReason.BOT_AUTHOR},
    "slack_export": {SkipReason.BOT_AUTHOR, SkipReason.TRIVIAL},
    # Of two that say the same as of the same time, one holds.
    "linear types": {SkipReason.UNSUPPORTED_EVENT, SkipReason.SUPERSEDED},
    "handbook_18f": {SkipReason.EMPTY},
    "peps": set(),
}
REFUSED = {"notion_cassettes": {"not a JSON object"}}
LEAST_PERSISTED = {
    "github_webhooks": 25,
    "notion_cassettes": 150,
    "slack_export": 40,
    "linear types": 7,
    "handbook_18f": 239,
    "peps": 140,
}


def _reasons(account: Account, status: str) -> set[str]:
    return {reason for told, reason in account.outcomes if told == status}


@pytest.mark.parametrize("corpus", TESTED, ids=lambda corpus: corpus.name)
def test_every_event_is_accounted_for(
    session: Session, workspace: WorkspaceId, shared_data: Path, corpus: Corpus
) -> None:
    account = account_for(corpus, shared_data, session, workspace)

    assert account.put == account.outcomes.total() > 0
    assert {status for status, _ in account.outcomes} <= {*EventStatus, "refused"} - {EventStatus.PENDING}
    assert _reasons(account, "dead") == set()
    assert _reasons(account, "skipped") == set(map(str, SKIPPED[corpus.name]))
    assert _reasons(account, "refused") == REFUSED.get(corpus.name, set())
    assert account.outcomes["persisted", ""] >= LEAST_PERSISTED[corpus.name]
    assert 0 < account.documents <= account.outcomes["persisted", ""]
    assert account.chunks >= account.documents
    _check_ledger(session, workspace, account)

    if corpus.source != "docs":  # a folder that is ingested again puts nothing
        again = account_for(corpus, shared_data, session, workspace)
        known = Counter({key: count for key, count in account.outcomes.items() if key[0] == "refused"})
        assert again.outcomes - account.outcomes == Counter(
            {("unchanged", "the same payload again"): _in_ledger(account)}
        )
        assert again.put == account.put
        assert replace(again, outcomes=known) == replace(account, outcomes=known)


def _in_ledger(account: Account) -> int:
    repeated = account.outcomes["unchanged", "the same payload again"]
    return account.put - repeated - sum(n for (status, _), n in account.outcomes.items() if status == "refused")


def _check_ledger(session: Session, workspace: WorkspaceId, account: Account) -> None:
    """What the ledger says of its events is what the rows say: no event without a settled time, no reason without."""
    ((events, unsettled, unexplained),) = rows(
        session,
        workspace,
        "SELECT count(*), count(*) FILTER (WHERE settled_at IS NULL OR attempts = 0), "
        "count(*) FILTER (WHERE (status IN ('skipped', 'dead')) <> (reason IS NOT NULL)) FROM source_events",
    )
    assert (events, unsettled, unexplained) == (_in_ledger(account), 0, 0)

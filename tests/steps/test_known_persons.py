"""Persons whose accounts are known beforehand: joined once, never against a split, and whoever is unknown waits."""

from __future__ import annotations

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.identities import decide_identity
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.known_persons import KnownPerson, join_known_persons
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.stores.postgres.claims import list_audit
from neural_memory_pipelines.stores.postgres.entities import list_persons

from .pipeline import run_path
from .samples import envelope, issue, slack_message

_ADA = KnownPerson("Ada", ("github-login:ada", "slack:U1", "slack:U2"))
_BEN = KnownPerson("Ben", ("github-login:ben", "slack:U3"))


@pytest.fixture
def told(session: Session, workspace: WorkspaceId) -> WorkspaceId:
    """A workspace in which Ada has an account in GitHub and two in Slack, under other names; and Ben likewise."""
    lines = [
        envelope(workspace, key="1", payload=issue(1)),
        envelope(workspace, key="2", payload={**issue(2), "user": {"login": "ben", "id": 8, "type": "User"}}),
        envelope(workspace, key="3", payload={**issue(3), "user": {"login": "r[bot]", "id": 9, "type": "Bot"}}),
        *(
            slack_message(workspace, user=f"U{number}", name=f"Name {number}", email="", ts=f"177244560{number}.000100")
            for number in (1, 2, 3)
        ),
    ]
    put_lines(session.stores.objects, workspace, lines)
    run_path(session, workspace)
    return workspace


def _join(session: Session, workspace: WorkspaceId, *persons: KnownPerson) -> StepReport:
    return join_known_persons(workspace, persons, decided_by="zoe", reason="she knows", stores=session.stores)


def _decide(session: Session, workspace: WorkspaceId, kind: str, first: str, second: str) -> None:
    decide_identity(
        workspace,
        kind,  # type: ignore[arg-type]  # one of two words, which mypy does not see in a str
        names=(first, second),
        decided_by="kim",
        reason="he knows better",
        stores=session.stores,
    )


def _persons(session: Session, workspace: WorkspaceId) -> list[list[str]]:
    with session.stores.database.transaction(workspace) as tx:
        return sorted(sorted(person.accounts) for person in list_persons(tx))


def _audit(session: Session, workspace: WorkspaceId) -> list[tuple[str, str, str, str]]:
    with session.stores.database.transaction(workspace) as tx:
        return [(row.kind, row.first_account, row.second_account, row.decided_by) for row in list_audit(tx)]


def test_accounts_are_joined_once(session: Session, told: WorkspaceId) -> None:
    report = _join(session, told, _ADA, _BEN)
    assert (report.seen, report.written, report.unchanged, report.skipped, report.notes) == (2, 3, 0, 0, [])
    ada, ben = ["github:7", "slack:U1", "slack:U2"], ["github:8", "slack:U3"]
    assert [[it for it in known if "-login" not in it] for known in _persons(session, told)] == [ada, ben]
    assert len(_audit(session, told)) == 3

    again = _join(session, told, _ADA, _BEN)
    assert (again.seen, again.written, again.unchanged) == (2, 0, 2)
    assert len(_audit(session, told)) == 3
    assert run_path(session, told).work == 0


def test_accounts_that_are_one_need_no_decision(session: Session, told: WorkspaceId) -> None:
    _decide(session, told, "merge", "slack:U1", "slack:U2")
    assert _join(session, told, _ADA).written == 1
    assert len(_audit(session, told)) == 2


def test_a_split_holds(session: Session, told: WorkspaceId) -> None:
    _join(session, told, _ADA)
    _decide(session, told, "split", "github:7", "slack:U2")
    before = _persons(session, told)
    report = _join(session, told, _ADA, _BEN)
    assert (report.written, report.skipped) == (1, 1)
    assert report.notes == ["Ada: accounts were split by a decision, which holds"]
    assert [known for known in before if "slack:U2" in known] == [["slack:U2"]]
    assert ["slack:U2"] in _persons(session, told)


def test_a_split_from_somebody_else_stops_nothing(session: Session, told: WorkspaceId) -> None:
    _decide(session, told, "split", "github:7", "github:8")
    assert _join(session, told, _ADA, _BEN).written == 3


def test_an_unknown_account_waits(session: Session, told: WorkspaceId) -> None:
    later = KnownPerson("Ben", ("github-login:ben", "slack:U4"))
    report = _join(session, told, later)
    assert (report.written, report.unchanged) == (0, 1)
    assert report.notes == ["Ben: nothing that was read names slack:U4 (yet)"]
    line = slack_message(told, user="U4", name="B", email="", ts="1772445700.000100")
    put_lines(session.stores.objects, told, [line])
    run_path(session, told)
    assert _join(session, told, later).written == 1


def test_a_bot_is_nobody(session: Session, told: WorkspaceId) -> None:
    with pytest.raises(PermanentError, match="'github:9' is a bot"):
        _join(session, told, KnownPerson("Robot", ("github-login:ben", "github:9")))
    assert _audit(session, told) == []

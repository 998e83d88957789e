"""What closed teams of Linear write is private."""

from __future__ import annotations

import pytest
from linear_payloads import TEAM, Payload, a_comment, a_project, an_api_comment, an_api_issue, changes_of, draft_of

from neural_memory_pipelines.domain.documents import Privacy


@pytest.mark.parametrize(
    ("team", "privacy"),
    [
        ({"private": True}, Privacy.PRIVATE),
        ({"visibility": "private"}, Privacy.PRIVATE),
        ({"visibility": "restricted"}, Privacy.PRIVATE),
        ({"private": False, "visibility": "public"}, Privacy.ORG),
        ({}, Privacy.ORG),
    ],
)
def test_what_a_closed_team_writes_is_private(team: Payload, privacy: Privacy) -> None:
    nodes = {"nodes": [an_api_comment("Decision: keep them.")]}
    for draft in changes_of("Issue", an_api_issue(team=TEAM | team, comments=nodes), action="observed").drafts:
        assert draft.privacy is privacy
        assert {seen.privacy for seen in draft.observations} == {privacy}
    comment = a_comment()
    comment["issue"] = comment["issue"] | {"team": TEAM | team}
    assert draft_of("Comment", comment).privacy is privacy


def test_a_project_is_private_only_if_all_its_teams_are() -> None:
    closed, open_ = TEAM | {"private": True}, TEAM | {"private": False}
    project = a_project()
    both = draft_of("Project", project | {"teams": {"nodes": [closed, open_]}}, action="observed")
    assert both.privacy is Privacy.ORG
    alone = draft_of("Project", project | {"teams": {"nodes": [closed]}}, action="observed")
    assert alone.privacy is Privacy.PRIVATE

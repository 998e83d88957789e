"""The objects of Linear's webhooks and GraphQL API that become documents, as typed models of what the memory wants.

What they show of other objects is in `neighbours.py`. Choosing the model for a payload happens in `reading.py`.

Source: `*WebhookPayload` and the objects of https://github.com/linear/linear/blob/master/packages/sdk/src/schema.graphql.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from neural_memory_pipelines.sources.linear.neighbours import (
    Attachment,
    Bot,
    ExternalUser,
    Id,
    Identifier,
    IssueRef,
    IssueRelation,
    Label,
    LinearModel,
    Milestone,
    Named,
    Nodes,
    ProjectRef,
    State,
    Team,
    User,
    nodes,
)
from neural_memory_pipelines.sources.models import OptionalTime, Text, Time


def _bot(value: object) -> object:
    # The published type of a webhook says string; what is sent, and what the API returns, is an object.
    return {"name": value} if isinstance(value, str) else value


BotActor = Annotated[Bot | None, BeforeValidator(_bot)]
Goals = Annotated[list[Named] | None, BeforeValidator(nodes)]


class Key(LinearModel):
    """What tells an object and whether it is still there, which is all that a removal needs."""

    id: Id
    updated_at: OptionalTime = None
    archived_at: OptionalTime = None
    auto_archived_at: OptionalTime = None
    trashed: bool | None = None

    @property
    def is_put_away(self) -> bool:
        """Whether somebody archived it. What Linear itself archives, as long closed, is worth remembering."""
        return self.archived_at is not None and self.auto_archived_at is None


class IssueKey(Key):
    """An issue's names."""

    identifier: Identifier
    previous_identifiers: list[Identifier] = Field(default_factory=list)

    @property
    def team_key(self) -> str:
        """The key of the team that the issue belongs to."""
        return self.identifier.rpartition("-")[0]


class UpdateRef(LinearModel):
    """A project update as its comments show it."""

    id: Id
    project: ProjectRef | None = None


class ContentOwner(LinearModel):
    """What a text belongs to that a comment stands beside."""

    document: Named | None = None
    project: ProjectRef | None = None
    issue: IssueRef | None = None


class CommentKey(Key):
    """A comment's id, and what it is a comment on."""

    url: str | None = None
    issue: IssueRef | None = None
    issue_id: Id | None = None
    project: ProjectRef | None = None
    project_id: Id | None = None
    project_update: UpdateRef | None = None
    project_update_id: Id | None = None
    initiative_id: Id | None = None
    initiative_update_id: Id | None = None
    document_content: ContentOwner | None = None
    document_content_id: Id | None = None


class Comment(CommentKey):
    """A comment on an issue, a project, a project update or a document."""

    body: Text
    quoted_text: Text | None = None
    created_at: OptionalTime = None
    edited_at: OptionalTime = None
    updated_at: Time
    parent_id: Id | None = None
    user: User | None = None
    user_id: Id | None = None
    external_user: ExternalUser | None = None
    bot_actor: BotActor = None

    @property
    def teams(self) -> list[Team]:
        """The teams that what it is on belongs to, as far as is known."""
        if self.issue:
            return [self.issue.team] if self.issue.team else []
        return self.project.teams if self.project else []


class Issue(IssueKey):
    """An issue, whole."""

    title: Text = Field(min_length=1)
    description: Text | None = None
    updated_at: Time
    completed_at: OptionalTime = None
    canceled_at: OptionalTime = None
    url: str | None = None
    priority: float | None = None
    due_date: str | None = None
    state: State | None = None
    team: Team | None = None
    labels: Nodes[Label] = Field(default_factory=list)
    assignee: User | None = None
    assignee_id: Id | None = None
    delegate: User | None = None
    creator: User | None = None
    creator_id: Id | None = None
    external_user_creator: ExternalUser | None = None
    bot_actor: BotActor = None
    project: Named | None = None
    project_id: Id | None = None
    project_milestone: Milestone | None = None
    parent: IssueRef | None = None
    parent_id: Id | None = None
    children: Nodes[IssueRef] = Field(default_factory=list)
    relations: Nodes[IssueRelation] = Field(default_factory=list)
    inverse_relations: Nodes[IssueRelation] = Field(default_factory=list)
    attachments: Nodes[Attachment] = Field(default_factory=list)
    comments: Nodes[Comment] = Field(default_factory=list)


class Project(Key):
    """A project, whole."""

    name: Text = Field(min_length=1)
    description: Text | None = None
    content: Text | None = None
    updated_at: Time
    completed_at: OptionalTime = None
    canceled_at: OptionalTime = None
    url: str | None = None
    slug_id: str | None = None
    priority: float | None = None
    health: str | None = None
    start_date: str | None = None
    target_date: str | None = None
    status: State | None = None
    lead: User | None = None
    lead_id: Id | None = None
    creator: User | None = None
    creator_id: Id | None = None
    members: Nodes[User] = Field(default_factory=list)
    member_ids: list[Id] = Field(default_factory=list)
    teams: Nodes[Team] = Field(default_factory=list)
    labels: Nodes[Label] = Field(default_factory=list)
    initiatives: Goals = None


class ProjectUpdate(Key):
    """A report on the state of a project, whole."""

    body: Text
    created_at: OptionalTime = None
    edited_at: OptionalTime = None
    updated_at: Time
    health: str | None = None
    url: str | None = None
    project: ProjectRef | None = None
    project_id: Id | None = None
    user: User | None = None
    user_id: Id | None = None

"""The objects of Linear's webhooks and GraphQL API, as typed models of what the memory wants of them.

A webhook spells a list as an array and the API as a connection with `nodes`: both read the same here. Choosing the
model for a payload, and saying what is wrong with one, happens in `reading.py`.

Source: `*WebhookPayload` and the objects of https://github.com/linear/linear/blob/master/packages/sdk/src/schema.graphql.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from neural_memory_pipelines.sources.models import Model, OptionalTime, Text, Time

_ItemT = TypeVar("_ItemT")


def _nodes(value: object) -> object:
    return value["nodes"] if isinstance(value, Mapping) and "nodes" in value else value


def _bot(value: object) -> object:
    # The published type of a webhook says string; what is sent, and what the API returns, is an object.
    return {"name": value} if isinstance(value, str) else value


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,32}-[0-9]{1,10}$")]
Nodes = Annotated[list[_ItemT], BeforeValidator(_nodes)]


class _Model(Model):
    model_config = ConfigDict(alias_generator=to_camel)


class User(_Model):
    """An account of the workspace. Webhooks of some years ago sent its id and name alone."""

    id: Id
    name: Text | None = None
    email: str | None = None
    url: str | None = None
    app: bool | None = None


class ExternalUser(_Model):
    """Somebody who writes from another system, such as Slack or GitHub, and has no account here."""

    id: Id
    name: Text | None = None
    email: str | None = None


class Bot(_Model):
    """An integration, a workflow or an app that acted; some have no id."""

    id: Id | None = None
    name: Text | None = None
    type: str | None = None


class Actor(_Model):
    """Who caused a webhook: `type` is "user", "oauthClient", "integration" or "externalUser"."""

    id: Id
    name: Text | None = None
    service: Text | None = None
    type: str | None = None
    email: str | None = None
    url: str | None = None


class Team(_Model):
    """A team. Webhooks do not say whether it is private."""

    id: Id | None = None
    key: str | None = None
    name: Text | None = None
    private: bool | None = None
    visibility: str | None = None


class State(_Model):
    """A state of a workflow, or the status of a project; `type` is of a fixed list, `name` is the team's."""

    name: Text | None = None
    type: str | None = None


class Label(_Model):
    """A label."""

    name: Text


class Named(_Model):
    """Something of which the id and the name matter: a project, an initiative, a document."""

    id: Id
    name: Text | None = None


class ProjectRef(Named):
    """A project as other objects show it; webhooks do not say its teams."""

    teams: Nodes[Team] = Field(default_factory=list)


class Milestone(_Model):
    """A milestone of a project."""

    name: Text


class IssueRef(_Model):
    """An issue as other objects show it."""

    id: Id
    identifier: Identifier | None = None
    title: Text | None = None
    team: Team | None = None


class Relation(_Model):
    """What `issue` does to `related_issue`; the one that the relation was found at may be left out."""

    type: str
    issue: IssueRef | None = None
    related_issue: IssueRef | None = None
    archived_at: OptionalTime = None


class Attachment(_Model):
    """A link from an issue to something elsewhere."""

    url: str


class Key(_Model):
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


class UpdateRef(_Model):
    """A project update as its comments show it."""

    id: Id
    project: ProjectRef | None = None


class ContentOwner(_Model):
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
    bot_actor: Annotated[Bot | None, BeforeValidator(_bot)] = None

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
    bot_actor: Annotated[Bot | None, BeforeValidator(_bot)] = None
    project: Named | None = None
    project_id: Id | None = None
    project_milestone: Milestone | None = None
    parent: IssueRef | None = None
    parent_id: Id | None = None
    children: Nodes[IssueRef] = Field(default_factory=list)
    relations: Nodes[Relation] = Field(default_factory=list)
    inverse_relations: Nodes[Relation] = Field(default_factory=list)
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
    initiatives: Annotated[list[Named] | None, BeforeValidator(_nodes)] = None


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

"""What the objects of Linear show of one another: people, teams, states, and the issues and projects that they name.

The objects that become documents are in `payloads.py`. A webhook spells a list as an array and the API as a connection
with `nodes`: both read the same here.

Source: `*WebhookPayload` and the objects of https://github.com/linear/linear/blob/master/packages/sdk/src/schema.graphql.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from neural_memory_pipelines.sources.models import Model, OptionalTime, Text

_ItemT = TypeVar("_ItemT")


def nodes(value: object) -> object:
    """Take the objects out of a connection."""
    return value["nodes"] if isinstance(value, Mapping) and "nodes" in value else value


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,32}-[0-9]{1,10}$")]
Nodes = Annotated[list[_ItemT], BeforeValidator(nodes)]


class LinearModel(Model):
    """What all objects of Linear have in common: their fields are spelled in camel case."""

    model_config = ConfigDict(alias_generator=to_camel)


class User(LinearModel):
    """An account of the workspace. Webhooks of some years ago sent its id and name alone."""

    id: Id
    name: Text | None = None
    email: str | None = None
    url: str | None = None
    app: bool | None = None


class ExternalUser(LinearModel):
    """Somebody who writes from another system, such as Slack or GitHub, and has no account here."""

    id: Id
    name: Text | None = None
    email: str | None = None


class Bot(LinearModel):
    """An integration, a workflow or an app that acted; some have no id."""

    id: Id | None = None
    name: Text | None = None
    type: str | None = None


class Actor(LinearModel):
    """Who caused a webhook: `type` is "user", "oauthClient", "integration" or "externalUser"."""

    id: Id
    name: Text | None = None
    service: Text | None = None
    type: str | None = None
    email: str | None = None
    url: str | None = None


class Team(LinearModel):
    """A team. Webhooks do not say whether it is private."""

    id: Id | None = None
    key: str | None = None
    name: Text | None = None
    private: bool | None = None
    visibility: str | None = None


class State(LinearModel):
    """A state of a workflow, or the status of a project; `type` is of a fixed list, `name` is the team's."""

    name: Text | None = None
    type: str | None = None


class Label(LinearModel):
    """A label."""

    name: Text


class Named(LinearModel):
    """Something of which the id and the name matter: a project, an initiative, a document."""

    id: Id
    name: Text | None = None


class ProjectRef(Named):
    """A project as other objects show it; webhooks do not say its teams."""

    teams: Nodes[Team] = Field(default_factory=list)


class Milestone(LinearModel):
    """A milestone of a project."""

    name: Text


class IssueRef(LinearModel):
    """An issue as other objects show it."""

    id: Id
    identifier: Identifier | None = None
    title: Text | None = None
    team: Team | None = None


class IssueRelation(LinearModel):
    """What `issue` does to `related_issue`; the one that the relation was found at may be left out."""

    type: str
    issue: IssueRef | None = None
    related_issue: IssueRef | None = None
    archived_at: OptionalTime = None


class Attachment(LinearModel):
    """A link from an issue to something elsewhere."""

    url: str

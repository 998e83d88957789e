"""Drafts of projects and of the updates on them. Those of issues and comments are in `documents.py`.

What is worth remembering of their text is decided in `observations.py`, what they link to in `links.py`.
"""

from __future__ import annotations

import re

from neural_memory_pipelines.domain.documents import SourceDraft
from neural_memory_pipelines.domain.handles import document_handle
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.importance import ImportanceSignals
from neural_memory_pipelines.sources.linear.accounts import SYSTEM, author_account, others, project_author, user_account
from neural_memory_pipelines.sources.linear.links import part_of_project, project_links, text_links
from neural_memory_pipelines.sources.linear.observations import (
    Subject,
    observe_project,
    observe_update,
    project_signals,
)
from neural_memory_pipelines.sources.linear.pages import own_handles, page, privacy_of, spelled
from neural_memory_pipelines.sources.linear.payloads import Project, ProjectUpdate
from neural_memory_pipelines.sources.linear.places import project_source_id, update_source_id
from neural_memory_pipelines.sources.linear.priorities import priority_name
from neural_memory_pipelines.sources.linear.reading import Reading

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def project_draft(project: Project, reading: Reading) -> SourceDraft:
    """Describe a project."""
    name, source_id = " ".join(project.name.split()), project_source_id(project.id)
    body = page(name, project.description, project.content)
    author = project_author(project)
    people = [user_account(user) for user in (project.lead, *project.members) if user]
    handles = (document_handle(SYSTEM, f"project/{project.slug_id}"),) if project.slug_id else ()
    privacy = privacy_of(project.teams)
    subject = Subject(source_id, (), project_signals(project), project.updated_at, privacy)
    return SourceDraft(
        source=SYSTEM,
        source_id=source_id,
        type="project",
        title=name,
        body=body,
        occurred_at=project.updated_at,
        as_of=reading.holds_at(project.updated_at),
        state=project.status.type if project.status else None,
        url=project.url,
        author=author,
        accounts=others(author, *people, *reading.accounts),
        handles=handles,
        links=(*project_links(project), *text_links(body, own=own_handles(source_id, project.url, handles))),
        privacy=privacy,
        metadata=_metadata(project),
        observations=() if author and author.is_bot else observe_project(project, subject),
    )


def update_draft(update: ProjectUpdate, reading: Reading) -> SourceDraft:
    """Describe an update on a project."""
    title, health = _title(update)
    body = page(title, update.body)
    author = author_account(update.user, update.user_id)
    project_id = update.project.id if update.project else update.project_id
    parent = project_source_id(project_id) if project_id else None
    source_id, url = update_source_id(update.id), update.url or reading.url
    said_at = update.edited_at or update.created_at or update.updated_at
    privacy = privacy_of(update.project.teams if update.project else ())
    refs = (parent,) if parent else ()
    subject = Subject(source_id, refs, ImportanceSignals(participants=1), said_at, privacy)
    observed = observe_update(update.body, subject, title=title, health=health)
    return SourceDraft(
        source=SYSTEM,
        source_id=source_id,
        type="project_update",
        title=title,
        body=body,
        occurred_at=said_at,
        as_of=reading.holds_at(update.updated_at),
        state=health,
        url=url,
        author=author,
        accounts=others(author, *reading.accounts),
        parent=parent,
        links=(
            *part_of_project(update.project, update.project_id),
            *text_links(body, own=own_handles(source_id, url)),
        ),
        privacy=privacy,
        observations=() if author and author.is_bot else observed,
    )


def _title(update: ProjectUpdate) -> tuple[str, str | None]:
    """Give the title of an update, and its health as a tag: "Update on Shop: at risk" and "at-risk"."""
    health = _HUMP.sub(" ", update.health or "").lower()
    name = " ".join(((update.project.name if update.project else None) or "a project").split())
    return f"Update on {name}: {health}" if health else f"Update on {name}", health.replace(" ", "-") or None


def _metadata(project: Project) -> dict[str, Json]:
    """Gather what makes a new version when it changes; what is not known is left out."""
    metadata: dict[str, Json] = {
        "status": project.status.name if project.status else None,
        "priority": priority_name(project.priority),
        "health": project.health,
        "lead": project.lead.name if project.lead else None,
        "labels": sorted({label.name for label in project.labels}) or None,
        "start_date": project.start_date,
        "target_date": project.target_date,
        "completed_at": spelled(project.completed_at),
        "canceled_at": spelled(project.canceled_at),
    }
    return {key: value for key, value in metadata.items() if value is not None}

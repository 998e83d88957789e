"""What all documents of Linear share: how a title and texts make a page, who may see it, its own handles.

Knows no kind of document; those are drafted in `documents.py` and `projects.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.handles import document_handle, url_handle
from neural_memory_pipelines.sources.linear.accounts import SYSTEM
from neural_memory_pipelines.sources.linear.neighbours import Team

_CLOSED_TEAMS = frozenset({"private", "restricted"})


def page(title: str, *texts: str | None) -> str:
    """Put a title above texts; alone, it stands without a heading's mark."""
    parts = [text.strip("\n") for text in texts if text and text.strip()]
    return "\n\n".join([f"# {title}", *parts]) if parts else title


def own_handles(source_id: str, url: str | None, handles: Iterable[str] = ()) -> list[str]:
    """List all handles of a document, by which its text names itself."""
    address = url_handle(url) if url else None
    return [document_handle(SYSTEM, source_id), *handles, *([address] if address else [])]


def privacy_of(teams: Iterable[Team | None]) -> Privacy:
    """Tell who may see what belongs to teams: all, unless every team that is known keeps to itself."""
    known = [team for team in teams if team is not None]
    is_closed = known and all(team.private or team.visibility in _CLOSED_TEAMS for team in known)
    return Privacy.PRIVATE if is_closed else Privacy.ORG


def spelled(moment: datetime | None) -> str | None:
    """Spell a time for metadata."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None

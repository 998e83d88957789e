"""What a document is called now, after its source renamed what holds it, such as a repository.

Which renames are known, and moving what is stored, is up to the steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from neural_memory_pipelines.domain.documents import Deletion, PartDraft, Rename, SourceDraft
from neural_memory_pipelines.domain.handles import document_handle

_SEPARATORS = ("", "#", "/", "@")


def current_name(source: str, source_id: str, *, as_of: datetime, renames: Iterable[Rename]) -> str:
    """Give the name under which a document is kept, for one that was called `source_id` at a moment.

    Args:
        source: the source system.
        source_id: the name that a description of the document uses.
        as_of: when the description held: whoever bears the name after a rename is somebody else.
        renames: all that are known, the earliest first.
    """
    name = source_id
    for rename in renames:
        rest = name.removeprefix(rename.old)
        is_below = name.startswith(rename.old) and rest[:1] in _SEPARATORS
        if rename.source == source and is_below and as_of <= rename.as_of:
            name = rename.new + rest
    return name


def renamed(says: SourceDraft | Deletion, renames: Sequence[Rename]) -> SourceDraft | Deletion:
    """Put a description under its document's present name; a draft goes on answering to the earlier one."""
    name = current_name(says.source, says.source_id, as_of=says.as_of, renames=renames)
    if name == says.source_id:
        return says
    if isinstance(says, Deletion):
        return replace(says, source_id=name)
    parent = says.parent and current_name(says.source, says.parent, as_of=says.as_of, renames=renames)
    handles = (*says.handles, document_handle(says.source, says.source_id))
    return replace(says, source_id=name, parent=parent, handles=handles)


def renamed_part(part: PartDraft, renames: Sequence[Rename]) -> PartDraft:
    """Put a part under its document's present name."""
    name = current_name(part.source, part.source_id, as_of=part.as_of, renames=renames)
    return part if name == part.source_id else replace(part, source_id=name)

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


def later_names(rename: Rename, renames: Sequence[Rename]) -> list[str]:
    """List the prefixes under which anything that bore the old name of a rename may be kept, that name among them."""
    names, seen = [rename.old], {rename.old}
    # As often as there are renames, and not on and on: a name may be renamed to one below itself.
    for _ in renames:
        moved = [_moved(name, other) for name in names for other in renames if other.source == rename.source]
        names = [name for name in dict.fromkeys(moved) if name is not None and name not in seen]
        seen.update(names)
    return sorted(seen)


def _moved(name: str, rename: Rename) -> str | None:
    """Give the prefix that a rename makes of a prefix, or of a part of what lies below it."""
    if is_below(rename.old, name):
        return rename.new
    return rename.new + name.removeprefix(rename.old) if is_below(name, rename.old) else None


def is_below(name: str, prefix: str) -> bool:
    """Tell whether a name is a prefix or lies below it."""
    return name.startswith(prefix) and name[len(prefix) : len(prefix) + 1] in _SEPARATORS


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
        if rename.source == source and as_of <= rename.as_of and is_below(name, rename.old):
            name = rename.new + name.removeprefix(rename.old)
    return name


def renamed(says: SourceDraft | Deletion, renames: Sequence[Rename]) -> SourceDraft | Deletion:
    """Put a description under its document's present name; a draft goes on answering to the earlier one."""
    name = current_name(says.source, says.source_id, as_of=says.as_of, renames=renames)
    if isinstance(says, Deletion):
        return says if name == says.source_id else replace(says, source_id=name)
    parent = says.parent and current_name(says.source, says.parent, as_of=says.as_of, renames=renames)
    if (name, parent) == (says.source_id, says.parent):
        return says
    earlier = () if name == says.source_id else (document_handle(says.source, says.source_id),)
    return replace(says, source_id=name, parent=parent, handles=(*says.handles, *earlier))


def renamed_part(part: PartDraft, renames: Sequence[Rename]) -> PartDraft:
    """Put a part under its document's present name."""
    name = current_name(part.source, part.source_id, as_of=part.as_of, renames=renames)
    return part if name == part.source_id else replace(part, source_id=name)

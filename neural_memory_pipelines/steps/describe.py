"""Makes descriptions of documents out of what events change: renames and pushes end here.

It writes down what was seen of accounts, pushes and renames. Documents are put together from parts in `assemble.py`,
and written by `apply.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import Deletion, PartDraft, Rename, Skip, SourceDraft, storable
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.domain.redaction import RedactionPolicy
from neural_memory_pipelines.domain.renames import renamed, renamed_part
from neural_memory_pipelines.steps.assemble import describe_parts
from neural_memory_pipelines.steps.described import Described, Said, stored_id
from neural_memory_pipelines.steps.rows import Description
from neural_memory_pipelines.steps.unsaid import forget_renamed, forget_unsaid
from neural_memory_pipelines.stores.postgres import claims, pushes
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.versions import Statement


def describe(tx: Transaction, said: Sequence[Said], *, policy: RedactionPolicy) -> Described:
    """Make descriptions out of a batch of events; what is put together from parts is redacted by the policy."""
    described = Described()
    told = _told(tx, said, described)
    claims.record_claims(tx, ((account, item.event.occurred_at) for item in told for account in _accounts(item)))
    renames = _renames(tx, told, described)
    described.descriptions = [each for item in told for each in _descriptions(tx, item, renames)]
    parts = [(item, part) for item in told for part in _parts(item, renames)]
    stated = [*map(_statement, described.descriptions), *(_part_statement(tx, item, part) for item, part in parts)]
    described.read_again |= forget_unsaid(tx, [item.key for item in said if item.is_again], stated)
    # These are told right now.
    described.read_again -= {item.key for item in told}
    describe_parts(tx, parts, policy=policy, described=described)
    return described


def _told(tx: Transaction, said: Sequence[Said], described: Described) -> list[Said]:
    """Leave out the events whose pushes are known."""
    known, displaced = pushes.record_commits(
        tx, [(item.key, item.changes.commit) for item in said if item.changes.commit]
    )
    described.skipped.update(dict.fromkeys(known, Skip(SkipReason.KNOWN_COMMIT)))
    described.read_again |= displaced
    told = [item for item in said if item.key not in known]
    pushes.register_stores(tx, [item.changes.commit.store for item in told if item.changes.commit])
    return told


def _accounts(item: Said) -> Iterator[Account]:
    yield from item.changes.accounts
    for draft in item.changes.drafts:
        yield from ([draft.author] if draft.author else [])
        yield from draft.accounts


def _descriptions(tx: Transaction, item: Said, renames: Sequence[Rename]) -> Iterable[Description]:
    """Describe each document that an event tells of once: if it does so twice, the later state holds."""
    found: dict[str, Description] = {}
    told: list[SourceDraft | Deletion] = [*item.changes.drafts, *item.changes.deletions]
    for stated in told:
        description = _description(tx, item, renamed(stated, renames))
        known = found.get(description.document_id)
        if known is None or _moment(known.says) <= _moment(description.says):
            found[description.document_id] = description
    return found.values()


def _moment(says: SourceDraft | Deletion) -> tuple[datetime, bool]:
    return says.as_of, isinstance(says, Deletion)


def _description(tx: Transaction, item: Said, says: SourceDraft | Deletion) -> Description:
    return Description(
        document_id=stored_id(tx.workspace_id, says.source, says.source_id),
        event_key=item.key,
        action=item.event.action,
        organization_id=item.event.organization_id,
        raw_pointer=item.raw_pointer,
        says=says,
    )


def _parts(item: Said, renames: Sequence[Rename]) -> Iterable[PartDraft]:
    found: dict[tuple[str, str, str], PartDraft] = {}
    for stated in item.changes.parts:
        part = renamed_part(stated, renames)
        known = found.get((part.source, part.source_id, part.part_id))
        if known is None or (known.as_of, known.content is None) <= (part.as_of, part.content is None):
            found[part.source, part.source_id, part.part_id] = part
    return found.values()


def _statement(description: Description) -> Statement:
    says = description.says
    return Statement(description.document_id, description.event_key, "", says.as_of, isinstance(says, Deletion))


def _part_statement(tx: Transaction, item: Said, part: PartDraft) -> Statement:
    document = stored_id(tx.workspace_id, part.source, part.source_id)
    return Statement(document, item.key, storable(part.part_id), part.as_of, part.content is None)


def _renames(tx: Transaction, told: Sequence[Said], described: Described) -> list[Rename]:
    """List all renames that are known; the documents of new ones are forgotten, and their events read again."""
    new = [rename for item in told for rename in pushes.record_renames(tx, item.changes.renames)]
    renames = pushes.known_renames(tx)
    for rename in new:
        described.read_again |= forget_renamed(tx, rename, renames)
    return renames

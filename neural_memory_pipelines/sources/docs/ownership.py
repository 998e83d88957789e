"""The draft of a CODEOWNERS file: its rules as metadata, and who owns what each of them names.

Which rule decides about a document is worked out from the metadata, elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from neural_memory_pipelines.domain.accounts import login_id
from neural_memory_pipelines.domain.codeowners import CODEOWNERS_PLACES, Rule, Rules
from neural_memory_pipelines.domain.documents import SourceDraft
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.sources.docs.drafts import TextFile, git_accounts
from neural_memory_pipelines.sources.docs.names import SOURCE
from neural_memory_pipelines.sources.docs.people import team_named

TYPE = "codeowners"
LINKS_LIMIT = 5_000
FAULTS_LIMIT = 20

_TICKS = re.compile(r"`{3,}")


def is_codeowners(path: str) -> bool:
    """Tell whether a file says who owns what: a file of this name at one of GitHub's places."""
    return path in CODEOWNERS_PLACES


def codeowners_draft(file: TextFile) -> SourceDraft:
    """Describe a CODEOWNERS file. The body is its text in a fence; all spans are those of the body."""
    ticks = "`" * max(3, 1 + max(map(len, _TICKS.findall(file.content)), default=0))
    opening = f"{ticks}\n"
    body = f"{opening}{file.content.rstrip()}\n{ticks}"
    # Parsed as it stands in the body, past the fence, whose first line is none of the file.
    rules = Rules.parse(file.content)
    shifted = [
        Rule(rule.pattern, rule.owners, rule.start + len(opening), rule.end + len(opening), rule.line_number)
        for rule in rules.rules
    ]
    accounts = tuple(account for account in git_accounts(file) if not account.is_bot)
    metadata: dict[str, Json] = {
        "store": file.store,
        "path": file.path,
        "codeowners": [rule.as_json() for rule in shifted],
    }
    if rules.faults:
        metadata["codeowners_faults"] = list(rules.faults[:FAULTS_LIMIT])
    return SourceDraft(
        source=SOURCE,
        source_id=file.source_id,
        type=TYPE,
        title=PurePosixPath(file.path).name,
        body=body,
        occurred_at=file.changed_at,
        as_of=file.as_of,
        summary=f"Who owns what in {file.store}",
        url=file.url,
        author=accounts[0] if accounts else None,
        accounts=accounts[1:],
        links=tuple(islice(_links(file.store, shifted), LINKS_LIMIT)),
        metadata=metadata,
    )


def _links(store: str, rules: list[Rule]) -> Iterator[LinkDraft]:
    for rule in rules:
        part = NodeRef(NodeKind.COMPONENT, f"component:{store}:{rule.pattern}".lower(), name=rule.pattern)
        for owner in rule.owners:
            target = _owner(owner)
            if target:
                yield LinkDraft(EdgeType.OWNED_BY, target, part, rule.start, rule.end)


def _owner(owner: str) -> NodeRef | None:
    """Read an owner; None for an address, which is redacted where owners are read."""
    if not owner.startswith("@"):
        return None
    return team_named(owner) or NodeRef(NodeKind.PERSON, login_id("github", owner))

"""Has a workspace's events read again from their raw bytes, as after a change of what is redacted.

What comes out the same is not written again; ids stay.
"""

from __future__ import annotations

from contextlib import ExitStack

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.redaction import RedactionPolicy
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import events, forgetting, workspaces

# Those that write what they read before: none of them may bring back what is forgotten meanwhile.
_STEPS = (
    *("persist", "graph", "cache", "graph-cache"),
    *("consolidate:topics", "consolidate:summaries", "consolidate:profiles", "consolidate:night"),
)


def change_redaction(workspace: WorkspaceId, policy: RedactionPolicy, *, stores: Stores) -> int:
    """Choose what is redacted in a workspace, and apply it to what is there already.

    What was derived under the other policy is forgotten at once, so that none of it is left even in superseded rows and
    vectors; the next build derives it anew from the raw bytes.

    Returns:
        How many events will be read again; 0 if the policy was the same.
    """
    with ExitStack() as locks:
        for step in _STEPS:
            locks.enter_context(stores.database.lock(workspace, step))
        tx = locks.enter_context(stores.database.transaction(workspace))
        if workspaces.redaction_policy(tx) == policy:
            return 0
        workspaces.set_redaction_policy(tx, policy)
        forgetting.forget_derived(tx)
        return events.read_all_again(tx)

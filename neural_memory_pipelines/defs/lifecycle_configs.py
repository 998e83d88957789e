"""What a person fills in to start a lifecycle job in the UI's launchpad. What is done with it is said elsewhere."""

import dagster as dg
from pydantic import Field

from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.steps.versions.promote import Decision


class ChosenConfig(dg.Config):
    """In which workspaces."""

    workspaces: list[str] = Field(
        default=[],
        description="Which workspaces. None named: all; where a version is named, all that know it.",
    )


class ModelConfig(ChosenConfig):
    """A version by what it is made with."""

    model: str = Field(description="Embedding model, as provider/name.")
    dim: int | None = Field(default=None, description="Dimension of the vectors. Not set: the model's own.")
    topology: str | None = Field(
        default=None, description="`shared` or `store`. Not set: NEURAL_MEMORY_INDEX_TOPOLOGY decides."
    )


class VersionConfig(ChosenConfig):
    """A version by its name."""

    version: str = Field(description="Name of the embedding version.")


class _Decided(dg.Config):
    by: str = Field(description="Who wants it; for the history of the version.")
    reason: str = Field(description="Why; for the history of the version.")

    def decision(self, *, force: bool = False) -> Decision:
        """Read who decided, and why.

        Raises:
            PermanentError: one of the two is empty.
        """
        if not (self.by.strip() and self.reason.strip()):
            raise PermanentError("the history of a version tells who changed it and why: fill in `by` and `reason`")
        return Decision(self.by, self.reason, force=force)


class ProposeConfig(_Decided, ModelConfig):
    """A version to be registered, and perhaps built."""

    backfill: bool = Field(default=False, description="Ask for a backfill that builds it, too.")


class PromoteConfig(_Decided, VersionConfig):
    """A version to be served."""

    force: bool = Field(default=False, description="Serve it though its gate has not passed; the history says so.")


class RollbackConfig(_Decided, VersionConfig):
    """A version to go back from. Naming it makes a second run harmless, which would otherwise go forward again."""

    version: str = Field(
        description="Name of the version to leave. A workspace that is not served at it stays as it is."
    )
    force: bool = Field(default=False, description="Go back though the earlier version lacks vectors by now.")


class ArchiveConfig(_Decided, VersionConfig):
    """A version to be taken out of the indexes."""

    drop_vectors: bool = Field(
        default=False, description="Delete its durable vectors too; building it again is paid for again then."
    )

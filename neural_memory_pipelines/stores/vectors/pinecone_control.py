"""Indexes at Pinecone as a whole: described, created, dropped, and remembered.

What is in them is read and written elsewhere.
"""

from __future__ import annotations

import threading

from pinecone import ServerlessSpec
from pinecone.errors import ConflictError
from pinecone.models.indexes.index import IndexModel
from pinecone.models.indexes.schema import DenseVectorField, LegacyMetadataField

from neural_memory_pipelines.errors import ConfigurationError, NotFoundError, PermanentError, TransientError
from neural_memory_pipelines.stores.vectors import validation
from neural_memory_pipelines.stores.vectors.pinecone_connection import PineconeConnection, wait_until
from neural_memory_pipelines.stores.vectors.pinecone_freshness import IndexTarget, WriteLog

METRIC = "cosine"

_DENSE_FIELD = "_values"  # the one field of an index that takes vectors; document indexes have fields of other names


class PineconeIndexes:
    """The indexes of a project. Thread-safe.

    What was found is remembered, so that an index costs one request and not one a call; a call that misses it makes
    it forgotten again (`forget`).

    Args:
        connection: to the project.
        cloud: where new indexes are made: aws, gcp or azure.
        region: of that cloud.
        writes: forgets what was written to an index that is made or dropped here.
    """

    def __init__(self, connection: PineconeConnection, *, cloud: str, region: str, writes: WriteLog) -> None:
        self._connection = connection
        self._writes = writes
        self._spec = ServerlessSpec(cloud=cloud, region=region)
        self._known: dict[str, IndexTarget] = {}
        self._lock = threading.Lock()

    def ensure(self, name: str, *, dim: int) -> IndexTarget:
        """Find an index, or create it and wait until it is ready.

        Raises:
            ConfigurationError: the name is not legal, or an index of that name holds something else.
            PermanentError: a quota does not allow it, or it failed to start.
            TransientError: it is not ready in time.
        """
        validation.check_index(name, dim=dim)
        if name.startswith("-") or name.endswith("-"):
            raise ConfigurationError(f"index name {name!r}: Pinecone wants no hyphen at its start or end")
        with self._lock:
            known = self._known.get(name)
        if known is not None:
            if known.dim != dim:
                raise _other_dimension(name, known.dim, dim)
            return known
        patience = self._connection.patience
        return wait_until(
            lambda: self._find_or_create(name, dim=dim),
            wait_seconds=patience.ready_seconds,
            poll_seconds=patience.poll_seconds,
            late=f"Pinecone index {name} is not ready after {patience.ready_seconds:g} s: try again later",
        )

    def find(self, name: str) -> IndexTarget:
        """Find an index that is there already.

        Raises:
            NotFoundError: there is none.
            ConfigurationError: it takes no vectors, or compares them by another metric.
            TransientError: it is not ready, or Pinecone does not answer.
        """
        with self._lock:
            known = self._known.get(name)
        if known is not None:
            return known
        model = self._describe(name)
        if model is None or model.status.state == "Terminating":
            raise NotFoundError(f"there is no Pinecone index {name!r}: create it with ensure_index")
        field = _dense_field(model)
        if not model.status.ready or model.host is None:
            raise TransientError(f"Pinecone index {name} is not ready: its state is {model.status.state}")
        return self._remember(model, host=model.host, dim=field.dimension)

    def find_if_exists(self, name: str) -> IndexTarget | None:
        """Find an index, or say that there is none; raises what `find` does otherwise."""
        try:
            return self.find(name)
        except NotFoundError:
            return None

    def forget(self, name: str) -> None:
        """Ask again next time."""
        with self._lock:
            self._known.pop(name, None)

    def drop(self, name: str) -> None:
        """Delete an index and wait until its name is free; a missing one is no error.

        Raises:
            PermanentError: it is protected from deletion.
            TransientError: it is still there in the end.
        """
        self.forget(name)
        self._writes.forget(name)
        patience = self._connection.patience
        control = self._connection.control
        try:
            self._connection.call(f"delete index {name}", lambda: control.delete_index(name, timeout=-1))
        except NotFoundError:
            return
        wait_until(
            lambda: True if self._describe(name) is None else None,
            wait_seconds=patience.ready_seconds,
            poll_seconds=patience.poll_seconds,
            late=f"Pinecone index {name} is still being deleted after {patience.ready_seconds:g} s: try again later",
        )

    def names(self) -> list[str]:
        """List the indexes of the project."""
        control = self._connection.control
        return [model.name for model in self._connection.call("list the indexes", control.list_indexes)]

    def _find_or_create(self, name: str, *, dim: int) -> IndexTarget | None:
        model = self._describe(name)
        if model is None:
            self._connection.call(f"create index {name}", lambda: self._create(name, dim=dim))
            return None
        if model.status.state == "Terminating":
            return None  # another process drops it; created again when it is gone
        if model.status.state == "InitializationFailed":
            raise PermanentError(f"Pinecone index {name} failed to start: delete it, then try again")
        _check_fit(model, dim=dim)
        if not model.status.ready or model.host is None:
            return None
        return self._remember(model, host=model.host, dim=dim)

    def _create(self, name: str, *, dim: int) -> None:
        try:
            self._connection.control.create_index(name=name, spec=self._spec, dimension=dim, metric=METRIC, timeout=-1)
        except ConflictError:
            return  # another process was quicker, or our own first attempt was; what it made is looked at next
        self._writes.forget(name)  # its logs start again

    def _describe(self, name: str) -> IndexModel | None:
        control = self._connection.control
        try:
            return self._connection.call(f"describe index {name}", lambda: control.describe_index(name))
        except NotFoundError:
            return None

    def _remember(self, model: IndexModel, *, host: str, dim: int) -> IndexTarget:
        target = IndexTarget(name=model.name, host=host, dim=dim)
        with self._lock:
            self._known[model.name] = target
        return target


def _check_fit(model: IndexModel, *, dim: int) -> None:
    field = _dense_field(model)
    if field.dimension != dim:
        raise _other_dimension(model.name, field.dimension, dim)


def _dense_field(model: IndexModel) -> DenseVectorField:
    fields = model.schema.fields
    field = fields.get(_DENSE_FIELD)
    others = [name for name, other in fields.items() if not isinstance(other, LegacyMetadataField)]
    if not isinstance(field, DenseVectorField) or others != [_DENSE_FIELD]:
        raise ConfigurationError(
            f"Pinecone index {model.name} is not a dense vector index, its fields are {sorted(fields)}: "
            "give that one up or use another name"
        )
    if field.metric != METRIC:
        raise ConfigurationError(
            f"Pinecone index {model.name} compares by {field.metric}, not {METRIC}: "
            "delete it, or use another name for ours"
        )
    return field


def _other_dimension(name: str, existing_dim: int | None, dim: int) -> ConfigurationError:
    return ConfigurationError(
        f"Pinecone index {name} exists with dimension {existing_dim}, not {dim}: "
        "vectors of another dimension need an index of their own"
    )

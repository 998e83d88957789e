"""One namespace of one index at Pinecone: each method a request of one kind, with its attempts.

Checks of what is sent, and waiting until reads are fresh, are done by the callers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt
from pinecone.models.response_info import ResponseInfo
from pinecone.models.vectors.responses import ListResponse, QueryResponse

from neural_memory_pipelines.errors import NotFoundError, TransientError
from neural_memory_pipelines.stores.vectors.pinecone_batches import WireRecord, unit_rows
from neural_memory_pipelines.stores.vectors.pinecone_connection import PineconeConnection
from neural_memory_pipelines.stores.vectors.pinecone_freshness import Freshness, IndexTarget
from neural_memory_pipelines.stores.vectors.pinecone_reads import pages_of_ids, spell_filter
from neural_memory_pipelines.stores.vectors.protocol import MetadataValue

_LIST_IDS = 100  # the vendor's limit of a page


class PineconeNamespace:
    """A namespace, whether it exists or not. Thread-safe.

    Args:
        connection: to the project.
        target: the index.
        name: of the namespace.
        freshness: is told of each write.
    """

    def __init__(self, connection: PineconeConnection, target: IndexTarget, name: str, *, freshness: Freshness) -> None:
        self._connection = connection
        self._target = target
        self._name = name
        self._freshness = freshness
        self._plane = connection.data(target.host)
        self._where = f"index {target.name}, namespace {name!r}"

    def upsert(self, batch: list[WireRecord]) -> None:
        """Store a batch; it is sent whole again when only a part was stored.

        Raises:
            TransientError: not all of it is stored.
        """

        def request() -> ResponseInfo | None:
            answer = self._plane.upsert(vectors=batch, namespace=self._name)
            if answer.has_errors or answer.upserted_count != len(batch):
                raise TransientError(
                    f"Pinecone, {self._where}: {answer.upserted_count} of a batch of {len(batch)} vectors were stored"
                )
            return answer.response_info

        self._note(self._connection.call(f"upsert into {self._where}", request))

    def delete_ids(self, ids: list[str]) -> None:
        """Delete vectors; unknown ids and a missing namespace are no error."""

        def request() -> ResponseInfo:
            self._plane.delete(ids=ids, namespace=self._name)
            return self._plane.latest_info()

        with suppress(NotFoundError):  # nothing is there to delete
            self._note(self._connection.call(f"remove vectors of {self._where}", request))

    def drop(self) -> None:
        """Delete the namespace; a missing one is no error."""
        with suppress(NotFoundError):  # which a second attempt hears too, when the first one's answer was lost
            self._connection.call(f"delete {self._where}", lambda: self._plane.delete_namespace(name=self._name))
        self._freshness.writes.forget(self._target.name, self._name)

    def count(self) -> int:
        """Count the vectors that reads see; 0 if there is no such namespace."""
        try:
            answer = self._connection.call(
                f"describe {self._where}", lambda: self._plane.describe_namespace(name=self._name)
            )
        except NotFoundError:
            return 0
        return answer.record_count

    def ids(self) -> Iterator[str]:
        """Iterate over the ids that reads see, a page at a time."""
        token: str | None = None
        while True:
            page = self._page(token)
            if page is None:
                return
            yield from [item.id for item in page.vectors if item.id is not None]
            token = page.pagination.next if page.pagination is not None else None
            if token is None:
                return

    def metadata(self, ids: Sequence[str]) -> dict[str, Mapping[str, MetadataValue]]:
        """Read the metadata of those ids that reads see."""
        found: dict[str, Mapping[str, MetadataValue]] = {}
        for page in pages_of_ids(ids, namespace=self._name):

            def request(page: list[str] = page) -> dict[str, Mapping[str, MetadataValue]]:
                answer = self._plane.fetch(ids=page, namespace=self._name)
                return {vector_id: vector.metadata or {} for vector_id, vector in answer.vectors.items()}

            try:
                found |= self._connection.call(f"fetch from {self._where}", request)
            except NotFoundError:
                return {}
        return found

    def query(
        self,
        vector: npt.NDArray[np.float32],
        *,
        top_k: int,
        where: Mapping[str, MetadataValue] | None,
        include_metadata: bool,
    ) -> QueryResponse:
        """Ask for the nearest vectors that reads see."""
        values: list[float] = unit_rows(vector[np.newaxis])[0].tolist()
        return self._connection.call(
            f"query {self._where}",
            lambda: self._plane.query(
                top_k=top_k,
                vector=values,
                namespace=self._name,
                filter=spell_filter(where or {}),
                include_metadata=include_metadata,
            ),
        )

    def _page(self, token: str | None) -> ListResponse | None:
        try:
            return self._connection.call(
                f"list the ids of {self._where}",
                lambda: self._plane.list_paginated(namespace=self._name, limit=_LIST_IDS, pagination_token=token),
            )
        except NotFoundError:
            return None

    def _note(self, answer: ResponseInfo | None) -> None:
        self._freshness.writes.note(self._target, self._name, answer)

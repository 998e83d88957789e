"""The vector index at Pinecone: serverless, by the vendor's SDK.

Attempts, limits of the wire, and indexes as a whole are in the modules beside it; no row of Postgres is read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.errors import NotFoundError, PermanentError, TransientError
from neural_memory_pipelines.stores.limits.protocol import Throttle
from neural_memory_pipelines.stores.vectors import validation
from neural_memory_pipelines.stores.vectors.pinecone_batches import spell_batches
from neural_memory_pipelines.stores.vectors.pinecone_connection import (
    PATIENCE,
    Patience,
    PineconeConnection,
    unpaced,
    wait_until,
)
from neural_memory_pipelines.stores.vectors.pinecone_control import PineconeIndexes
from neural_memory_pipelines.stores.vectors.pinecone_freshness import Freshness, IndexTarget
from neural_memory_pipelines.stores.vectors.pinecone_import import PineconeImports
from neural_memory_pipelines.stores.vectors.pinecone_namespace import PineconeNamespace
from neural_memory_pipelines.stores.vectors.pinecone_reads import SURE_TOP_K, TOP_K_LIMIT, read_hits
from neural_memory_pipelines.stores.vectors.pinecone_sending import send_all
from neural_memory_pipelines.stores.vectors.protocol import MetadataValue, VectorHit, VectorRecord

_BATCHES_AT_ONCE = 4
_DELETE_IDS = 1_000  # the vendor's limit


class PineconeIndex:
    """A `VectorIndex` in serverless indexes of vectors, compared by cosine. Thread-safe.

    Every write may be repeated: what is unclear (a connection lost after the request was sent) is sent again. Counts,
    listings and metadata are read when the index shows what this process wrote; queries take what there is. Vectors
    are rounded to 6 places. An index that does not exist holds nothing; only `upsert` and `query` raise.

    Args:
        api_key: PINECONE_API_KEY; it is shown nowhere.
        cloud: where new indexes are made: aws, gcp or azure.
        region: of that cloud.
        host: of the control plane; the public one if None.
        throttle: called with the number of requests before they are sent; may block to keep to a rate.
        patience: attempts and waits.

    Raises:
        ConfigurationError: the key is empty or not legal.
    """

    def __init__(
        self,
        *,
        api_key: str,
        cloud: str = "aws",
        region: str = "us-west-2",
        host: str | None = None,
        throttle: Throttle = unpaced,
        patience: Patience = PATIENCE,
    ) -> None:
        self._connection = PineconeConnection(api_key=api_key, host=host, throttle=throttle, patience=patience)
        self._freshness = Freshness(self._connection)
        self._indexes = PineconeIndexes(self._connection, cloud=cloud, region=region, writes=self._freshness.writes)
        self._place = f"{cloud} {region}"
        self.imports = PineconeImports(self._connection, self._indexes)

    def ensure_index(self, index: str, *, dim: int) -> None:
        """Create the index if it is missing, and wait until it is ready. Costs no request once it is known.

        Raises:
            ConfigurationError: its name is not legal, or it exists with another dimension, metric or kind.
            PermanentError: a quota does not allow it.
            TransientError: it is not ready in time, or Pinecone does not answer.
        """
        self._indexes.ensure(index, dim=dim)

    def drop_index(self, index: str) -> None:
        """Delete an index with all its namespaces, and wait until its name is free; a missing one is no error.

        Raises:
            PermanentError: it is protected from deletion.
            TransientError: it is still there in the end, or Pinecone does not answer.
        """
        self._indexes.drop(index)

    def upsert(self, index: str, namespace: str, records: Sequence[VectorRecord]) -> None:
        """Write vectors, four requests at once; the same id replaces, the last one of a call wins.

        All are stored on return. After an error some may be; doing it again stores the rest.

        Raises:
            PermanentError: a namespace, id, vector or metadata is not legal, and nothing is written; or a quota of
                the plan is used up.
            NotFoundError: there is no such index.
            TransientError: a batch was not stored after all attempts.
        """
        validation.check_namespace(namespace)
        if not records:
            return
        with self._remembering(index):
            target = self._indexes.find(index)
            validation.check_records(records, dim=target.dim)
            latest = list({record.id: record for record in records}.values())
            batches = spell_batches(latest, namespace=namespace)
            send_all(batches, self._namespace(target, namespace).upsert, at_once=_BATCHES_AT_ONCE)

    def delete(self, index: str, namespace: str, ids: Sequence[str]) -> None:
        """Delete vectors, 1,000 to a request; unknown ids are no error.

        Raises:
            TransientError: Pinecone does not answer.
        """
        ordered = sorted(set(ids))
        with self._existing(index, namespace) as found:
            if found is None:
                return
            for start in range(0, len(ordered), _DELETE_IDS):
                found.delete_ids(ordered[start : start + _DELETE_IDS])

    def delete_namespace(self, index: str, namespace: str) -> None:
        """Delete a namespace with all its vectors, and wait until reads no longer show it; a missing one is no error.

        Raises:
            TransientError: it is still there in the end, or Pinecone does not answer.
        """
        with self._existing(index, namespace) as found:
            if found is None:
                return
            found.drop()
            patience = self._connection.patience
            wait_until(
                lambda: True if found.count() == 0 else None,
                wait_seconds=patience.catch_up_seconds,
                poll_seconds=patience.poll_seconds,
                late=f"Pinecone index {index} still shows namespace {namespace!r}, which is deleted: try again later",
            )

    def list_ids(self, index: str, namespace: str) -> Iterator[str]:
        """Iterate over the ids of a namespace, 100 to a request, in no promised order.

        Raises:
            TransientError: the index does not show our own writes in time, or Pinecone does not answer.
        """
        with self._existing(index, namespace, is_fresh=True) as found:
            if found is not None:
                yield from found.ids()

    def count(self, index: str, namespace: str) -> int:
        """Count the vectors of a namespace; 0 if it does not exist.

        Raises:
            TransientError: the index does not show our own writes in time, or Pinecone does not answer.
        """
        with self._existing(index, namespace, is_fresh=True) as found:
            return 0 if found is None else found.count()

    def fetch_metadata(self, index: str, namespace: str, ids: Sequence[str]) -> dict[str, Mapping[str, MetadataValue]]:
        """Read the metadata of vectors, for checks. Unknown ids are missing from the answer.

        Raises:
            TransientError: the index does not show our own writes in time, or Pinecone does not answer.
        """
        with self._existing(index, namespace, is_fresh=True) as found:
            return {} if found is None else found.metadata(ids)

    def query(
        self,
        index: str,
        namespace: str,
        vector: npt.NDArray[np.float32],
        *,
        top_k: int,
        where: Mapping[str, MetadataValue] | None = None,
    ) -> list[VectorHit]:
        """Find the nearest vectors by cosine, best first, equal ones in the order of their ids. Approximate.

        Args:
            index: name of the index.
            namespace: the only one that is searched.
            vector: shape (dim,), of any length above 0.
            top_k: most hits to return, at most 10,000.
            where: metadata that a hit must have; see `spell_filter`.

        Raises:
            PermanentError: the vector, top_k or the filter is not legal.
            NotFoundError: there is no such index.
            TransientError: Pinecone does not answer.
        """
        validation.check_namespace(namespace)
        validation.check_where(where or {})
        if top_k > TOP_K_LIMIT:
            raise PermanentError(f"top_k is {top_k:,}, Pinecone gives at most {TOP_K_LIMIT:,}")
        with self._remembering(index):
            target = self._indexes.find(index)
            validation.check_query(vector, dim=target.dim, top_k=top_k)
            found = self._namespace(target, namespace)
            try:
                return read_hits(found.query(vector, top_k=top_k, where=where, include_metadata=True))
            except PermanentError:
                if top_k <= SURE_TOP_K:
                    raise
            # The answer was too large, perhaps; if something else was wrong, this says so again.
            answer = found.query(vector, top_k=top_k, where=where, include_metadata=False)
            return read_hits(answer, metadata=found.metadata([match.id for match in answer.matches]))

    def check(self) -> str:
        """Ask for the indexes of the project.

        Returns:
            Such as "Pinecone serverless aws us-west-2, 3 indexes".

        Raises:
            ConfigurationError: the key is refused.
            TransientError: Pinecone does not answer.
        """
        indexes = len(self._indexes.names())
        return f"Pinecone serverless {self._place}, {indexes} {'index' if indexes == 1 else 'indexes'}"

    def written_up_to(self, index: str, namespace: str) -> int | None:
        """See `VectorIndex`."""
        return self._freshness.writes.last(index, namespace)

    def expect(self, index: str, namespace: str, position: int) -> None:
        """See `VectorIndex`."""
        target = self._indexes.find_if_exists(index)
        if target is not None:
            self._freshness.writes.expect(target, namespace, position)

    def close(self) -> None:
        """Close all connections; a later call fails."""
        self._connection.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._place!r}, host={self._connection.host!r})"

    def _namespace(self, target: IndexTarget, namespace: str) -> PineconeNamespace:
        return PineconeNamespace(self._connection, target, namespace, freshness=self._freshness)

    @contextmanager
    def _existing(self, index: str, namespace: str, *, is_fresh: bool = False) -> Iterator[PineconeNamespace | None]:
        validation.check_namespace(namespace)
        with self._remembering(index):
            target = self._indexes.find_if_exists(index)
            if target is not None and is_fresh:
                self._freshness.wait(target, namespace)
            yield None if target is None else self._namespace(target, namespace)

    @contextmanager
    def _remembering(self, index: str) -> Iterator[None]:
        try:
            yield
        except (NotFoundError, TransientError):
            self._indexes.forget(index)  # it may have been dropped, or made anew at another host
            raise

"""Fills a namespace of Pinecone from Parquet files in the object store.

Which namespaces to fill is decided in `steps/`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable

from neural_memory_pipelines.errors import ContractError, NotFoundError
from neural_memory_pipelines.stores.objects.protocol import ObjectStore
from neural_memory_pipelines.stores.vectors.pinecone_import import PineconeImports
from neural_memory_pipelines.stores.vectors.pinecone_parquet import write_import
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

_FOLDER = "imports"


class PineconeBulkFill:
    """A `BulkFill` by Pinecone's imports, which read a bucket that Pinecone can reach.

    The id of an import that is under way is kept beside its files: a run that is lost while it waits is followed by one
    that waits for the same import. Files are deleted when their import has ended.

    Args:
        imports: of the Pinecone index.
        objects: the store that lies in the bucket.
        uri: of the root of that store, such as `s3://bucket/folder`.
        least_vectors: from how many vectors on an import is worth its while.
        integration_id: Pinecone's storage integration, for a bucket that is not public.

    Source: docs.pinecone.io/guides/index-data/import-data
    """

    def __init__(
        self,
        imports: PineconeImports,
        objects: ObjectStore,
        *,
        uri: str,
        least_vectors: int,
        integration_id: str | None = None,
    ) -> None:
        self._imports = imports
        self._objects = objects
        self._uri = uri.rstrip("/")
        self._integration_id = integration_id
        self.least_vectors = least_vectors

    def fill(self, index: str, namespace: str, records: Iterable[VectorRecord], *, dim: int) -> bool:
        """See `BulkFill`."""
        marker = f"{_FOLDER}/{index}/{namespace}.json"
        if self._wait_for_earlier(index, marker):
            return False
        folder = f"{_FOLDER}/{index}/{uuid.uuid4().hex}"
        written = write_import(
            records,
            namespace=namespace,
            dim=dim,
            put=lambda key, content: self._objects.put_many({f"{folder}/{key}": content}),
        )
        if written.records:
            import_id = self._imports.start_import(index, f"{self._uri}/{folder}/", integration_id=self._integration_id)
            self._objects.put_many({marker: json.dumps({"import": import_id, "folder": folder}).encode()})
            imported = self._imports.wait_for_import(index, import_id)
            self._forget(marker, folder)
            if imported != written.records:
                raise ContractError(
                    f"Pinecone import {import_id} into {index}/{namespace} took {imported} of {written.records} "
                    "vectors: rebuild the index"
                )
        return True

    def _wait_for_earlier(self, index: str, marker: str) -> bool:
        try:
            earlier = json.loads(self._objects.get(marker))
        except NotFoundError:
            return False
        self._imports.wait_for_import(index, earlier["import"])
        self._forget(marker, earlier["folder"])
        return True

    def _forget(self, marker: str, folder: str) -> None:
        for info in list(self._objects.list(f"{folder}/")):
            self._objects.delete(info.key)
        self._objects.delete(marker)

"""Imports that Pinecone makes from object storage: started, and waited for.

The files that they read are written in `pinecone_parquet`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pinecone.models.imports.model import ImportModel

from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.stores.vectors.pinecone_connection import PineconeConnection, wait_until
from neural_memory_pipelines.stores.vectors.pinecone_control import PineconeIndexes

WAIT_SECONDS = 6 * 3_600.0
POLL_SECONDS = 30.0

_UNDER_WAY = frozenset({"Pending", "InProgress"})


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is: `percent` 0..100, which is not yet all, and `records` so far."""

    status: str
    percent: float
    records: int


class PineconeImports:
    """The imports into the indexes of a project. Thread-safe.

    An import takes 10 minutes at least, adds no record to a namespace that exists, and is offered on the Standard and
    Enterprise plans. At most 1 TB or 100,000,000 records, 100 namespaces, 100,000 files, and 10 GB a file. From S3
    only into an index on AWS.

    Source: docs.pinecone.io/guides/data/understanding-imports, docs.pinecone.io/guides/index-data/import-data

    Args:
        connection: to the project.
        indexes: of it.
    """

    def __init__(self, connection: PineconeConnection, indexes: PineconeIndexes) -> None:
        self._connection = connection
        self._indexes = indexes

    def start_import(self, index: str, uri: str, *, integration_id: str | None = None) -> str:
        """Import every namespace folder below a prefix; the first bad record ends it.

        An import of the same prefix that is under way is joined, so asking again after a lost answer is safe.

        Args:
            index: name of the index.
            uri: such as `s3://bucket/prefix/`, which holds a folder for each namespace.
            integration_id: of the storage integration that lets Pinecone read a private bucket.

        Returns:
            The id of the import.

        Raises:
            NotFoundError: there is no such index.
            PermanentError: Pinecone refuses the prefix, the plan or the index.
            TransientError: Pinecone does not answer.
        """
        plane = self._connection.data(self._indexes.find(index).host)

        def request() -> str:
            for known in plane.list_imports():
                if known.uri.rstrip("/") == uri.rstrip("/") and known.status in _UNDER_WAY:
                    return known.id
            return plane.start_import(uri, error_mode="abort", integration_id=integration_id).id

        return self._connection.call(f"import {uri} into index {index}", request)

    def wait_for_import(
        self,
        index: str,
        import_id: str,
        *,
        wait_seconds: float = WAIT_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        on_progress: Callable[[ImportProgress], None] | None = None,
    ) -> int:
        """Wait until an import is complete.

        Args:
            index: name of the index.
            import_id: what `start_import` returned.
            wait_seconds: how long at most; the import goes on afterwards.
            poll_seconds: longest pause between two looks.
            on_progress: told what each look finds.

        Returns:
            The number of records that it wrote.

        Raises:
            PermanentError: it failed or was cancelled; the namespaces may hold a part of the records.
            NotFoundError: there is no such index or import.
            TransientError: it is not complete in time, or Pinecone does not answer.
        """
        plane = self._connection.data(self._indexes.find(index).host)
        doing = f"describe import {import_id} into index {index}"

        def look() -> int | None:
            model = self._connection.call(doing, lambda: plane.describe_import(import_id))
            progress = ImportProgress(model.status, model.percent_complete or 0.0, model.records_imported or 0)
            if on_progress is not None:
                on_progress(progress)
            if progress.status in _UNDER_WAY:
                return None
            _check_complete(model, index)
            return progress.records

        return wait_until(
            look,
            wait_seconds=wait_seconds,
            poll_seconds=poll_seconds,
            late=f"Pinecone import {import_id} into index {index} is not complete after {wait_seconds:g} s: wait again",
        )


def _check_complete(model: ImportModel, index: str) -> None:
    if model.status != "Completed":
        raise PermanentError(
            f"Pinecone import {model.id} into index {index} from {model.uri}: {model.status}"
            f"{f' ({model.error})' if model.error else ''}; delete its namespaces before importing again"
        )

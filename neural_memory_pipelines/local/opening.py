"""Opens the stores that the settings name: each remote where its variable is set, else embedded.

Models are opened in `session.py`. SDKs of remote stores are imported when their store is asked for, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from neural_memory_pipelines.local.services import Endpoints
from neural_memory_pipelines.settings import Settings
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.cache.redis import RedisCache
from neural_memory_pipelines.stores.limits.shared import SharedLimiter
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore
from neural_memory_pipelines.stores.objects.protocol import ObjectStore
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.vectors.bulk import BulkFill
from neural_memory_pipelines.stores.vectors.pgvector import PgVectorIndex
from neural_memory_pipelines.stores.vectors.protocol import VectorIndex

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from neural_memory_pipelines.stores.vectors.pinecone import PineconeIndex


def open_stores(
    settings: Settings, endpoints: Endpoints, *, limiter: SharedLimiter, s3: S3Client | None = None
) -> Stores:
    """Open all stores; they connect with their first use.

    Args:
        settings: name the stores.
        endpoints: where those are that have a URL.
        limiter: holds rate limits across processes.
        s3: the client to use; None for one made from the settings.
    """
    database = Database(endpoints.database_url)
    objects = _objects(settings, endpoints, s3)
    vectors: VectorIndex
    bulk: BulkFill | None = None
    if settings.pinecone_api_key is None:
        vectors = PgVectorIndex(database.engine)
    else:
        pinecone = _pinecone(settings, settings.pinecone_api_key, limiter)
        vectors, bulk = pinecone, _bulk(settings, pinecone, objects)
    return Stores(
        database=database,
        objects=objects,
        vectors=vectors,
        cache=RedisCache(endpoints.redis_url),
        environment=settings.environment,
        bulk=bulk,
    )


def _objects(settings: Settings, endpoints: Endpoints, s3: S3Client | None) -> ObjectStore:
    if settings.s3_bucket is None:
        return DirectoryObjectStore(endpoints.objects_dir)
    from neural_memory_pipelines.stores.objects.s3 import S3ObjectStore  # noqa: PLC0415 - loads an SDK
    from neural_memory_pipelines.stores.objects.s3_client import s3_client  # noqa: PLC0415 - loads an SDK

    client = s3 or s3_client(
        region=settings.aws_region,
        endpoint_url=settings.aws_endpoint_url,
        access_key_id=_value(settings.aws_access_key_id),
        secret_access_key=_value(settings.aws_secret_access_key),
        session_token=_value(settings.aws_session_token),
    )
    return S3ObjectStore(client, bucket=settings.s3_bucket, prefix=settings.s3_prefix)


def _pinecone(settings: Settings, api_key: SecretStr, limiter: SharedLimiter) -> PineconeIndex:
    from neural_memory_pipelines.stores.vectors.pinecone import PineconeIndex  # noqa: PLC0415 - loads an SDK

    return PineconeIndex(
        api_key=api_key.get_secret_value(),
        cloud=settings.pinecone_cloud,
        region=settings.pinecone_region,
        host=settings.pinecone_host,
        throttle=limiter.throttle("pinecone:requests", amount=settings.pinecone_requests_per_second, per_seconds=1),
    )


def _bulk(settings: Settings, pinecone: PineconeIndex, objects: ObjectStore) -> BulkFill | None:
    if settings.s3_bucket is None:
        return None  # Pinecone reads from a bucket, and from no directory of ours
    from neural_memory_pipelines.stores.vectors.pinecone_bulk import PineconeBulkFill  # noqa: PLC0415 - loads an SDK

    return PineconeBulkFill(
        pinecone.imports,
        objects,
        uri=f"s3://{settings.s3_bucket}/{settings.s3_prefix}".rstrip("/"),
        least_vectors=settings.bulk_import_vectors,
        integration_id=settings.bulk_import_integration,
    )


def _value(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None

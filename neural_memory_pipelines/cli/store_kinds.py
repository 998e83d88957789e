"""Which store is what, by the settings alone: in words for people. No store is asked, and no secret is shown."""

from __future__ import annotations

from collections.abc import Mapping

from neural_memory_pipelines.settings import Settings


def store_kinds(settings: Settings) -> Mapping[str, str]:
    """Say what each store and the model of new workspaces are."""
    return {
        "postgres": "embedded" if settings.database_url is None else "DATABASE_URL",
        "objects": f"S3 bucket {settings.s3_bucket}" if settings.s3_bucket else "a directory",
        "vectors": (
            f"Pinecone, {settings.pinecone_cloud} {settings.pinecone_region}"
            if settings.pinecone_api_key
            else "pgvector in postgres"
        ),
        "cache": "embedded" if settings.effective_redis_url is None else _redis(settings),
        "model of new workspaces": settings.embedding_model,
    }


def told(settings: Settings) -> str:
    """Say it in one line."""
    return ", ".join(f"{store}: {kind}" for store, kind in store_kinds(settings).items())


def _redis(settings: Settings) -> str:
    return "REDIS_URL" if settings.redis_url is not None else "Upstash"

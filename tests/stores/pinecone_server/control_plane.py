"""Indexes: create, describe, list, delete. Bodies and names are held to the vendor's rules before they arrive here."""

from __future__ import annotations

from typing import Any

from .create_index_body import CreateIndexBody
from .exchange import Answer
from .limits import check_index_name
from .refusals import RefusalError
from .state import Index, Project


def create_index(project: Project, body: CreateIndexBody, *, url: str) -> Answer:
    """Create an index, Initializing."""
    check_index_name(body.name)
    if body.name in project.indexes:
        raise RefusalError(409, "Resource already exists.")
    if project.quota_indexes is not None and len(project.indexes) >= project.quota_indexes:
        # Source: https://docs.pinecone.io/reference/api/database-limits/object-limits
        raise RefusalError(403, "Increase your quota or upgrade to create more indexes.", code="QUOTA_EXCEEDED")
    dense = body.schema_.fields.values
    index = Index(
        name=body.name,
        dimension=dense.dimension,
        metric=dense.metric,
        cloud=body.deployment.cloud,
        region=body.deployment.region,
        deletion_protection=body.deletion_protection,
        tags=dict(body.tags),
        describes_until_ready=project.describes_until_ready,
    )
    project.indexes[body.name] = index
    return Answer(_description(index, url=url), status=201)


def list_indexes(project: Project, *, url: str) -> Answer:
    """Describe all indexes."""
    return Answer({"indexes": [_description(index, url=url) for _, index in sorted(project.indexes.items())]})


def describe_index(project: Project, name: str, *, url: str) -> Answer:
    """Describe an index; the describe that ends the countdown finds it Ready."""
    index = find_index(project, name)
    if index.describes_until_ready <= 0:
        index.ready = True
    index.describes_until_ready -= 1
    return Answer(_description(index, url=url))


def delete_index(project: Project, name: str) -> Answer:
    """Delete an index with all its records."""
    if find_index(project, name).deletion_protection == "enabled":
        raise RefusalError(
            403, "Deletion protection is enabled for this index. Disable deletion protection before retrying."
        )
    del project.indexes[name]
    return Answer(None, status=202)


def find_index(project: Project, name: str) -> Index:
    """Return an index.

    Raises:
        RefusalError: 404, there is none of that name.
    """
    if name not in project.indexes:
        raise RefusalError(404, f"Index {name} not found.")
    return project.indexes[name]


def _description(index: Index, *, url: str) -> dict[str, Any]:
    # One port serves all indexes, so a path takes the place of the host name that is an index's own at the vendor's.
    return {
        "name": index.name,
        "host": f"{url}/hosts/{index.name}",
        "status": {"ready": index.ready, "state": "Ready" if index.ready else "Initializing"},
        "schema": {
            "fields": {"_values": {"type": "dense_vector", "dimension": index.dimension, "metric": index.metric}}
        },
        "deployment": {"deployment_type": "managed", "cloud": index.cloud, "region": index.region},
        "deletion_protection": index.deletion_protection,
        **({"tags": index.tags} if index.tags else {}),
    }

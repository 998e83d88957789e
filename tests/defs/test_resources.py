"""The resource that opens the stores: which client reaches the bucket."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster_aws.s3 import S3Resource

from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.local.stack import EmbeddedStack
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore
from neural_memory_pipelines.stores.objects.s3 import S3ObjectStore

_OTHER_SERVER = "http://127.0.0.1:9/"


def _address_of_bucket(memory: MemoryResource) -> str | None:
    """Open the stores as a run does; None if objects lie in a directory."""
    with dg.build_resources({"memory": memory}) as resources:
        objects = resources.memory.session.stores.objects
    if isinstance(objects, DirectoryObjectStore):
        return None
    assert isinstance(objects, S3ObjectStore)
    return str(objects._client.meta.endpoint_url)


# What Dagster does to itself for a resource within a resource.
@pytest.mark.filterwarnings("ignore:InitResourceContext.dagster_run is deprecated:DeprecationWarning")
def test_bucket_is_reached_by_the_nested_resource_where_there_is_one(
    stack: EmbeddedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = S3Resource(endpoint_url=_OTHER_SERVER, region_name="us-west-2")
    assert _address_of_bucket(MemoryResource(s3=given)) is None, "without S3_BUCKET there is nothing to reach"
    monkeypatch.setenv("S3_BUCKET", "artifacts")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert _address_of_bucket(MemoryResource(s3=given)) == _OTHER_SERVER
    assert _address_of_bucket(MemoryResource()) == "https://s3.eu-central-1.amazonaws.com"

"""The listings of an S3 bucket: pages of the server, read into objects in key order.

Nothing here sends a request: the pages are handed in.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING

from neural_memory_pipelines.errors import ContractError
from neural_memory_pipelines.stores.objects.protocol import ObjectInfo

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef


def in_key_order(pages: Iterator[ListObjectsV2OutputTypeDef], *, folder: str, place: str) -> Iterator[ObjectInfo]:
    """Read pages into objects, in the order of the bytes of their keys.

    S3 lists in that order, and its pages are read as they are needed. Servers that are known to list in another one
    are read to the end and sorted: SeaweedFS has all of `a/` before `a-b`, directory buckets have no order.
    Empty objects whose key ends with a slash stand for folders, as consoles make them, and are left out.

    Args:
        pages: of one listing.
        folder: what every key of the bucket begins with, and the keys of the objects do not.
        place: the bucket, for messages.

    Raises:
        ContractError: another server lists out of order.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
    """
    first = next(pages)
    objects = _objects(itertools.chain([first], pages), folder)
    if _has_no_key_order(first):
        yield from sorted(objects, key=lambda info: info.key)
        return
    last = ""
    for info in objects:
        if info.key < last:
            raise ContractError(f"{place} lists {info.key!r} after {last!r}: its listings are not in key order")
        last = info.key
        yield info


def _objects(pages: Iterator[ListObjectsV2OutputTypeDef], folder: str) -> Iterator[ObjectInfo]:
    for page in pages:
        for entry in page.get("Contents", ()):
            if entry["Size"] == 0 and entry["Key"].endswith("/"):
                continue
            yield ObjectInfo(
                key=entry["Key"].removeprefix(folder),
                size_bytes=entry["Size"],
                etag=entry["ETag"].strip('"'),
                modified_at=entry["LastModified"].astimezone(UTC),
            )


def _has_no_key_order(page: ListObjectsV2OutputTypeDef) -> bool:
    server = page["ResponseMetadata"]["HTTPHeaders"].get("server", "")
    return server.startswith("SeaweedFS") or page["Name"].endswith("--x-s3")

"""Objects in a bucket of S3, or of a server that speaks its protocol, for any number of machines.

Which keys exist and what they mean is decided by the steps; how a client connects is `s3_client.py`'s part.
"""

from __future__ import annotations

import io
import itertools
import mimetypes
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from neural_memory_pipelines.errors import NotFoundError, PermanentError, TransientError
from neural_memory_pipelines.stores.objects.keys import KEY_LIMIT_BYTES, check_key, check_prefix
from neural_memory_pipelines.stores.objects.protocol import ObjectInfo
from neural_memory_pipelines.stores.objects.s3_client import SDK_ERRORS, address_of, status_of, translate
from neural_memory_pipelines.stores.objects.s3_listing import in_key_order

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_PART_BYTES = 8 * 1024 * 1024
_NO_SUCH_ETAG = "0" * 32

# The table within Python: the one of the operating system differs from machine to machine.
_TYPES = mimetypes.MimeTypes()
_MORE_TYPES = {
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
}


class S3ObjectStore:
    """An `ObjectStore` in an S3 bucket. Safe for any number of threads, processes and machines.

    An object is there whole or not at all, in one request or, from 8 MB on, in parts that become an object with the
    last request. Parts of a writer that was killed are never listed, but paid for: give the bucket a lifecycle rule
    that aborts incomplete uploads. Retries are those of the client's own configuration; nothing is tried twice here.

    **Conditional deletion** is the server's own, and has no gap, where it has one (AWS since September 2025, SeaweedFS,
    Ceph). Other servers may ignore the condition or refuse it: there, an object that is written between our look and
    our deletion, one round trip, is deleted with the old one. `check` tells; switch on versioning of the bucket there.

    Args:
        client: its pool of connections bounds how many requests are sent at a time.
        bucket: exists already.
        prefix: a folder of the bucket that holds all objects; keys are relative to it.

    Raises:
        PermanentError: no key can begin with the prefix.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
    """

    def __init__(self, client: S3Client, *, bucket: str, prefix: str = "") -> None:
        folder = prefix.strip("/")
        if folder:
            check_key(folder)
        self._client, self._bucket = client, bucket
        self._folder = f"{folder}/" if folder else ""
        self._place = f"S3 bucket {bucket} at {address_of(client)}"
        # `Config` has its options as attributes that type checkers do not know.
        self._concurrency: int = client.meta.config.max_pool_connections  # type: ignore[attr-defined]

    def put_many(self, objects: Mapping[str, bytes]) -> None:
        """Write objects, several at a time; an existing one is replaced.

        Raises:
            PermanentError: a key is not legal (nothing is written), or the server refuses an object.
            TransientError: the server does not answer; some of the objects may have been written.
            ConfigurationError: it does not know the bucket, or refuses the credentials.
        """
        places = {key: self._full_key(key) for key in objects}
        small = [key for key, data in objects.items() if len(data) < _PART_BYTES]
        self._at_once(lambda key: self._put(key, places[key], objects[key]), small)
        for key, data in objects.items():
            if len(data) >= _PART_BYTES:
                self._put_in_parts(key, places[key], data)

    def get(self, key: str) -> bytes:
        """Read one object.

        Raises:
            NotFoundError: there is none under this key.
            PermanentError: the key is not legal.
            TransientError: the server does not answer, or not to the end.
            ConfigurationError: it does not know the bucket, or refuses the credentials.
        """
        place = self._full_key(key)
        with self._errors(f"read object {key!r}"):
            answer = self._client.get_object(Bucket=self._bucket, Key=place)
            with closing(answer["Body"]) as body:
                return body.read()

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Read objects, several at a time. Missing ones are missing from the answer.

        Raises:
            PermanentError, TransientError, ConfigurationError: as `get`.
        """
        wanted = list(dict.fromkeys(keys))
        for key in wanted:
            self._full_key(key)
        found = self._at_once(self._get_if_there, wanted)
        return {key: data for key, data in zip(wanted, found, strict=True) if data is not None}

    def delete(self, key: str, *, if_etag: str | None = None) -> bool:
        """Delete one object; with `if_etag`, only while its content is that one. Deleting nothing is no error.

        Returns:
            Whether the object is gone now.

        Raises:
            PermanentError: the key is not legal.
            TransientError: the server does not answer; the object may be gone.
            ConfigurationError: it does not know the bucket, or refuses the credentials.
        """
        place = self._full_key(key)
        with self._errors(f"delete object {key!r}"):
            if if_etag is not None:
                return self._delete_while(place, if_etag)
            self._client.delete_object(Bucket=self._bucket, Key=place)
        return True

    def list(self, prefix: str, *, limit: int | None = None) -> Iterator[ObjectInfo]:
        """List the objects whose key starts with `prefix`, in key order; the prefix may end within a name.

        A page of 1,000 is read at a time; see `in_key_order` for servers that list in another order.

        Raises:
            PermanentError: no legal key can start with the prefix.
            TransientError, ConfigurationError: as `get`; while iterating.
            ContractError: the server does not list in key order; while iterating.
        """
        check_prefix(prefix)
        objects = in_key_order(self._pages(prefix), folder=self._folder, place=self._place)
        return itertools.islice(objects, limit)

    def check(self) -> str:
        """Write, read and delete a probe.

        Returns:
            Such as "S3 bucket memory at s3.us-west-2.amazonaws.com".

        Raises:
            TransientError: the server does not answer.
            ConfigurationError: it does not know the bucket, or refuses the credentials.
        """
        key = f"check-{os.urandom(8).hex()}"
        self.put_many({key: b"probe"})
        try:
            if self.get(key) != b"probe":
                raise TransientError(f"{self._place}: an object just written reads differently")
            is_conditional = self._heeds_conditions(key)
        finally:
            self.delete(key)
        if is_conditional:
            return self._place
        return (
            f"{self._place}; it deletes without conditions: switch on versioning of the bucket, so that nothing is lost"
        )

    def _full_key(self, key: str) -> str:
        check_key(key)
        place = self._folder + key
        if len(place.encode()) > KEY_LIMIT_BYTES:
            raise PermanentError(f"object key {place[:80]!r}...: more than {KEY_LIMIT_BYTES} bytes with its prefix")
        return place

    def _put(self, key: str, place: str, data: bytes) -> None:
        with self._errors(f"write object {key!r}"):
            self._client.put_object(Bucket=self._bucket, Key=place, Body=data, ContentType=content_type(key))

    def _put_in_parts(self, key: str, place: str, data: bytes) -> None:
        parts = TransferConfig(
            multipart_threshold=_PART_BYTES,
            multipart_chunksize=_PART_BYTES,
            max_concurrency=self._concurrency,
            preferred_transfer_client="classic",  # the other one has timeouts and retries of its own
        )
        with self._errors(f"write object {key!r}"):
            self._client.upload_fileobj(
                io.BytesIO(data), self._bucket, place, ExtraArgs={"ContentType": content_type(key)}, Config=parts
            )

    def _get_if_there(self, key: str) -> bytes | None:
        try:
            return self.get(key)
        except NotFoundError:
            return None

    def _delete_while(self, place: str, etag: str) -> bool:
        # Look first: a server that does not know the condition would delete whatever is there.
        found = self._etag(place)
        if found != etag:
            return found is None
        try:
            self._client.delete_object(Bucket=self._bucket, Key=place, IfMatch=f'"{etag}"')
        except ClientError as error:
            status = status_of(error)
            if status == 501:
                self._client.delete_object(Bucket=self._bucket, Key=place)
                return True
            # Changed, changing right now, or gone since we looked.
            if status in {409, 412} or error.response["Error"]["Code"] == "NoSuchKey":
                return self._etag(place) is None
            raise
        return True

    def _etag(self, place: str) -> str | None:
        try:
            return self._client.head_object(Bucket=self._bucket, Key=place)["ETag"].strip('"')
        except ClientError as error:
            if status_of(error) != 404:
                raise
        # The answer to HEAD has no body that would tell a missing object from a missing bucket.
        self._client.list_objects_v2(Bucket=self._bucket, MaxKeys=1)
        return None

    def _heeds_conditions(self, key: str) -> bool:
        with self._errors(f"delete object {key!r} on a condition"):
            try:
                self._client.delete_object(Bucket=self._bucket, Key=self._full_key(key), IfMatch=f'"{_NO_SUCH_ETAG}"')
            except ClientError as error:
                if status_of(error) not in {412, 501}:
                    raise
                return status_of(error) == 412
        return False

    def _pages(self, prefix: str) -> Iterator[ListObjectsV2OutputTypeDef]:
        listing = self._client.get_paginator("list_objects_v2")
        with self._errors(f"list objects {prefix!r}"):
            yield from listing.paginate(Bucket=self._bucket, Prefix=self._folder + prefix)

    def _at_once(self, act: Callable[[_Item], _Result], items: Sequence[_Item]) -> Sequence[_Result]:
        if len(items) < 2:
            return [act(item) for item in items]
        with ThreadPoolExecutor(min(self._concurrency, len(items))) as pool:
            try:
                return [*pool.map(act, items)]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    @contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        try:
            yield
        except SDK_ERRORS as error:
            raise translate(error, f"cannot {action} in {self._place}") from error


def content_type(key: str) -> str:
    """Name the media type of an object by the end of its key."""
    endings = PurePosixPath(key).suffixes
    kind, packing = _TYPES.guess_type("name" + "".join(endings[-2:]))
    if packing is not None:
        return "application/gzip" if packing == "gzip" else "application/octet-stream"
    return kind or _MORE_TYPES.get("".join(endings[-1:]).lower(), "application/octet-stream")

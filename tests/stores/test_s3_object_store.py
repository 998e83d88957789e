from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from dagster_aws.s3 import S3Resource

from neural_memory_pipelines.errors import (
    ConfigurationError,
    ContractError,
    PermanentError,
)
from neural_memory_pipelines.stores.objects.protocol import ObjectStore
from neural_memory_pipelines.stores.objects.s3 import S3ObjectStore, content_type
from neural_memory_pipelines.stores.objects.s3_client import s3_client

from .contracts.object_store import CALLS, ObjectStoreContract
from .s3_server import S3Server, refusal, s3_server

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

__all__ = ["s3_server"]  # a fixture

_numbers = itertools.count(1)


@pytest.fixture
def folder() -> str:
    """A folder of the bucket that no other test has."""
    return f"test {next(_numbers)}/ü"


@pytest.fixture(scope="module")
def shared_client(s3_server: S3Server) -> S3Client:
    """A client that nobody tampers with."""
    return s3_server.client()


@pytest.fixture
def empty_bucket(shared_client: S3Client) -> Iterator[str]:
    """A bucket without objects: there a key may be as long as it gets, for no prefix adds to it."""
    bucket = "contract"
    if bucket not in [known["Name"] for known in shared_client.list_buckets()["Buckets"]]:
        shared_client.create_bucket(Bucket=bucket)
    yield bucket
    for entry in shared_client.list_objects_v2(Bucket=bucket).get("Contents", []):
        shared_client.delete_object(Bucket=bucket, Key=entry["Key"])


@pytest.fixture
def client(s3_server: S3Server) -> S3Client:
    """A client of this test's own."""
    return s3_server.client()


@pytest.fixture
def store(client: S3Client, s3_server: S3Server, folder: str) -> S3ObjectStore:
    return S3ObjectStore(client, bucket=s3_server.bucket, prefix=folder)


class TestS3ObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, shared_client: S3Client, empty_bucket: str) -> S3ObjectStore:
        return S3ObjectStore(shared_client, bucket=empty_bucket)


# --- keys, prefixes, listings


def test_an_object_may_lie_beside_those_that_continue_its_key(store: S3ObjectStore) -> None:
    store.put_many({"a": b"1"})
    store.put_many({"a/b": b"2"})
    store.put_many({"c/d": b"3"})
    store.put_many({"c": b"4"})
    assert [info.key for info in store.list("")] == ["a", "a/b", "c", "c/d"]
    assert store.get_many(["a", "a/b"]) == {"a": b"1", "a/b": b"2"}
    assert store.delete("a") is True
    assert [info.key for info in store.list("")] == ["a/b", "c", "c/d"]


@pytest.mark.parametrize("written", ["{}/sub", "{}/sub/", "/{}/sub/"])
def test_a_prefix_is_a_folder_of_the_bucket(client: S3Client, s3_server: S3Server, folder: str, written: str) -> None:
    whole = S3ObjectStore(client, bucket=s3_server.bucket)
    store = S3ObjectStore(client, bucket=s3_server.bucket, prefix=written.format(folder))
    whole.put_many({f"{folder}/other": b"1", f"{folder}/subway": b"2"})
    store.put_many({"k": b"3"})
    assert [info.key for info in store.list("")] == ["k"]
    assert [info.key for info in whole.list(f"{folder}/")] == [
        f"{folder}/{name}" for name in ("other", "sub/k", "subway")
    ]
    assert whole.get(f"{folder}/sub/k") == store.get("k") == b"3"


def test_a_prefix_that_no_key_can_have_is_refused(client: S3Client) -> None:
    with pytest.raises(PermanentError, match=r"'a/\.\./b'"):
        S3ObjectStore(client, bucket="memory", prefix="a/../b")


def test_a_key_must_be_legal_with_its_prefix(client: S3Client, s3_server: S3Server) -> None:
    store = S3ObjectStore(client, bucket=s3_server.bucket, prefix="p" * 100)
    key = "/".join(["k" * 230] * 4)
    store.put_many({key: b"1"})
    assert store.get(key) == b"1"
    with pytest.raises(PermanentError, match="1024 bytes with its prefix"):
        store.get(f"{key}/one-more")


def test_many_pages_are_listed_in_order(client: S3Client, store: S3ObjectStore) -> None:
    keys = [f"inbox/{number:04}" for number in range(1_500)]
    store.put_many(dict.fromkeys(reversed(keys), b""))
    assert [info.key for info in store.list("inbox/")] == keys
    assert [info.key for info in store.list("inbox/", limit=1_200)] == keys[:1_200]
    pages = _answer_like_s3(client)
    assert [info.key for info in store.list("", limit=1_000)] == keys[:1_000]
    assert len(pages) == 1, "an orderly server is asked for what is needed"
    assert [info.key for info in store.list("")] == keys
    assert len(pages) == 3


def test_a_listing_out_of_order_is_a_broken_word(client: S3Client, store: S3ObjectStore) -> None:
    store.put_many(dict.fromkeys(["a/b", "a-b"], b""))
    _answer_like_s3(client)
    with pytest.raises(ContractError, match="'a-b' after 'a/b'"):
        list(store.list(""))


def test_a_folder_of_a_console_is_no_object(
    client: S3Client, s3_server: S3Server, store: S3ObjectStore, folder: str
) -> None:
    store.put_many({"inbox/k": b"1", "empty": b""})
    for name in ("", "inbox/", "new/"):
        client.put_object(Bucket=s3_server.bucket, Key=f"{folder}/{name}", Body=b"")
    assert [info.key for info in store.list("")] == ["empty", "inbox/k"]


# --- content


def test_a_large_object_is_written_in_parts(
    client: S3Client, s3_server: S3Server, store: S3ObjectStore, folder: str
) -> None:
    content = os.urandom(20 * 1024 * 1024)
    store.put_many({"small": b"1", "large.json": content})
    head = client.head_object(Bucket=s3_server.bucket, Key=f"{folder}/large.json")
    assert head["ETag"].endswith('-3"'), "three parts of 8 MB at most"
    assert head["ContentType"] == "application/json"
    assert store.get("large.json") == content
    (seen,) = store.list("large")
    assert seen.size_bytes == len(content)
    assert store.delete("large.json", if_etag=seen.etag) is True
    assert [info.key for info in store.list("")] == ["small"]


def test_a_large_object_is_there_whole_or_not_at_all(
    client: S3Client, s3_server: S3Server, store: S3ObjectStore, folder: str
) -> None:
    store.put_many({"k": b"old"})

    def refuse_the_third(request: Any, **_: object) -> AWSResponse | None:
        return _refused(request, 403, "AccessDenied") if "partNumber=3" in request.url else None

    _tamper(client, "before-send.s3.UploadPart", refuse_the_third)
    with pytest.raises(ConfigurationError, match="write object 'k'"):
        store.put_many({"k": bytes(20_000_000)})
    assert store.get("k") == b"old"
    unfinished = client.list_multipart_uploads(Bucket=s3_server.bucket, Prefix=f"{folder}/")
    assert unfinished.get("Uploads", []) == []


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a/b.json", "application/json"),
        ("a.b/C.JSONL", "application/x-ndjson"),
        ("x.jsonl.gz", "application/gzip"),
        ("x.md", "text/markdown"),
        ("x.parquet", "application/vnd.apache.parquet"),
        ("x.tar.xz", "application/octet-stream"),
        ("json", "application/octet-stream"),
        (".json", "application/octet-stream"),
        ("data:é;,/x", "application/octet-stream"),
    ],
)
def test_an_object_has_a_type_by_name(key: str, expected: str) -> None:
    assert content_type(key) == expected


@pytest.mark.parametrize("key", ["a/b.json", "x.jsonl.gz", "x.unknown"])
def test_objects_carry_their_type(
    client: S3Client, s3_server: S3Server, store: S3ObjectStore, folder: str, key: str
) -> None:
    store.put_many({key: b"1"})
    assert client.head_object(Bucket=s3_server.bucket, Key=f"{folder}/{key}")["ContentType"] == content_type(key)


def test_writers_at_once_leave_whole_objects(s3_server: S3Server, folder: str) -> None:
    def write(writer: int) -> None:
        store = S3ObjectStore(s3_server.client(), bucket=s3_server.bucket, prefix=folder)
        store.put_many({f"k{number}": b"%d," % writer * 20_000 for number in range(10)})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    store = S3ObjectStore(s3_server.client(), bucket=s3_server.bucket, prefix=folder)
    whole = {b"%d," % writer * 20_000 for writer in range(6)}
    found = store.get_many([f"k{number}" for number in range(10)])
    assert len(found) == 10
    assert set(found.values()) <= whole


# --- deletion on a condition


def test_an_object_written_after_the_look_stays(
    client: S3Client, s3_server: S3Server, store: S3ObjectStore, folder: str
) -> None:
    store.put_many({"k": b"old"})
    (seen,) = store.list("k")
    other = S3ObjectStore(s3_server.client(), bucket=s3_server.bucket, prefix=folder)
    _once_after(client, "HeadObject", lambda: other.put_many({"k": b"new"}))
    assert store.delete("k", if_etag=seen.etag) is False
    assert store.get("k") == b"new"


def test_an_object_deleted_after_the_look_is_gone(
    client: S3Client, s3_server: S3Server, store: S3ObjectStore, folder: str
) -> None:
    store.put_many({"k": b"old"})
    (seen,) = store.list("k")
    other = S3ObjectStore(s3_server.client(), bucket=s3_server.bucket, prefix=folder)
    _once_after(client, "HeadObject", lambda: other.delete("k"))
    assert store.delete("k", if_etag=seen.etag) is True


@pytest.mark.parametrize(("status", "code"), [(404, "NoSuchKey"), (409, "ConditionalRequestConflict")])
def test_a_conflict_is_answered_by_what_is_there(
    client: S3Client, store: S3ObjectStore, status: int, code: str
) -> None:
    store.put_many({"k": b"1"})
    (seen,) = store.list("k")
    _tamper(client, "before-send.s3.DeleteObject", lambda request, **_: _refused(request, status, code))
    assert store.delete("k", if_etag=seen.etag) is False


def _without_condition(request: Any, **_: object) -> None:
    del request.headers["If-Match"]


def _refuse_condition(request: Any, **_: object) -> AWSResponse | None:
    return _refused(request, 501, "NotImplemented") if "If-Match" in request.headers else None


@pytest.mark.parametrize(
    ("event", "handler"),
    [("before-sign.s3.DeleteObject", _without_condition), ("before-send.s3.DeleteObject", _refuse_condition)],
)
def test_without_conditions_a_look_decides_and_check_tells(
    client: S3Client, store: S3ObjectStore, event: str, handler: Callable[..., object]
) -> None:
    assert "versioning" not in store.check()
    _tamper(client, event, handler)
    assert "switch on versioning" in store.check()
    store.put_many({"k": b"old"})
    (old,) = store.list("k")
    store.put_many({"k": b"new"})
    assert store.delete("k", if_etag=old.etag) is False
    (new,) = store.list("k")
    assert store.delete("k", if_etag=new.etag) is True
    assert list(store.list("")) == []


# --- settings


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("bucket", ["no-such-bucket", "no such bucket"])
def test_a_bucket_that_is_not_there_is_a_wrong_setting(
    shared_client: S3Client, bucket: str, call: Callable[[ObjectStore], object]
) -> None:
    with pytest.raises(ConfigurationError, match=f"bucket {bucket} .*S3_BUCKET"):
        call(S3ObjectStore(shared_client, bucket=bucket))


@pytest.fixture(scope="module", params=["another secret", "another key"])
def refused_client(request: pytest.FixtureRequest, s3_server: S3Server) -> S3Client:
    known = s3_server.access_key_id if request.param == "another secret" else "unknown"
    return replace(s3_server, access_key_id=known, secret_access_key="a-wrong-secret").client()


@pytest.mark.parametrize("call", CALLS)
def test_refused_credentials_are_a_wrong_setting(
    s3_server: S3Server, refused_client: S3Client, call: Callable[[ObjectStore], object]
) -> None:
    with pytest.raises(ConfigurationError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") as caught:
        call(S3ObjectStore(refused_client, bucket=s3_server.bucket))
    assert "a-wrong-secret" not in str(caught.value)


def test_credentials_come_from_the_environment(
    s3_server: S3Server, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_access_key)
    client = s3_client(region="us-east-1", endpoint_url=s3_server.endpoint_url)
    described = S3ObjectStore(client, bucket=s3_server.bucket, prefix=folder).check()
    assert described == f"S3 bucket memory at {s3_server.endpoint_url.removeprefix('http://')}"


def test_no_credentials_are_a_wrong_setting(
    s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    store = S3ObjectStore(s3_client(region="us-east-1", endpoint_url=s3_server.endpoint_url), bucket="memory")
    with pytest.raises(ConfigurationError, match="AWS_ACCESS_KEY_ID"):
        store.get("k")


def test_the_client_of_dagster_will_do(s3_server: S3Server, folder: str) -> None:
    resource = S3Resource(
        region_name="us-east-1",
        endpoint_url=s3_server.endpoint_url,
        aws_access_key_id=s3_server.access_key_id,
        aws_secret_access_key=s3_server.secret_access_key,
    )
    store = S3ObjectStore(resource.get_client(), bucket=s3_server.bucket, prefix=folder)
    objects = {f"k{number}": b"1" for number in range(40)}
    store.put_many(objects)
    assert store.get_many(list(objects)) == objects


def _tamper(client: S3Client, event: str, handler: Callable[..., object]) -> None:
    client.meta.events.register(event, handler)  # type: ignore[arg-type]  # handlers may answer, the stubs say not


def _refused(request: Any, status: int, code: str) -> AWSResponse:
    class Raw:
        def stream(self, *_: object, **__: object) -> Iterator[bytes]:
            yield refusal(code).encode()

    return AWSResponse(request.url, status, HTTPHeaders(), Raw())


def _once_after(client: S3Client, operation: str, act: Callable[[], object]) -> None:
    waiting = [act]

    def handle(**_: object) -> None:
        if waiting:
            waiting.pop()()

    _tamper(client, f"after-call.s3.{operation}", handle)


def _answer_like_s3(client: S3Client) -> list[object]:
    """Hide which server it is; gathers the pages that it answers."""
    pages: list[object] = []

    def handle(parsed: Any, **_: object) -> None:
        parsed["ResponseMetadata"]["HTTPHeaders"]["server"] = "AmazonS3"
        pages.append(parsed)

    _tamper(client, "after-call.s3.ListObjectsV2", handle)
    return pages

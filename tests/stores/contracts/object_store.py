"""What every object store must pass. A subclass provides the fixture `store`: an empty one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event

import pytest

from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.stores.objects.protocol import ObjectStore

ILLEGAL_KEYS = (
    "",
    "/absolute",
    "a//b",
    "a/",
    ".",
    "..",
    "a/../b",
    "a/./b",
    "../outside",
    "a\\b",
    "a\x00b",
    "a\nb",
    "a\x7fb",
    "half\ud800",
    "p" * 256,
    "/".join(["part" * 10] * 30),
)

ODD_KEYS = (
    " leading and trailing ",
    "a+b=c&d.json",
    "100%/%2F/%zz",
    "what?#fragment;x",
    "<tag>&amp;'\"`",
    "~user/{a}|b^[c]/$HOME/*",
    "ünïcode/日本語/🧠.md",
    ".hidden/...",
    "a:b@c,d!(e)",
    "data:text/html,x.json",
    "soap",
)

# Every way to use a store.
CALLS: list[Callable[[ObjectStore], object]] = [
    lambda store: store.put_many({"k": b"1"}),
    lambda store: store.put_many({"k": b"1", "l": b"2", "large": bytes(9_000_000)}),
    lambda store: store.get("k"),
    lambda store: store.get_many(["k", "l"]),
    lambda store: store.delete("k"),
    lambda store: store.delete("k", if_etag="0" * 32),
    lambda store: list(store.list("")),
    lambda store: store.check(),
]


class ObjectStoreContract:
    """Keys are written in no order, so that what comes back in order was put in order by the store."""

    def test_what_is_written_is_read(self, store: ObjectStore) -> None:
        objects = {"inbox/b.json": b"{}", "inbox/a.jsonl.gz": bytes(range(256)), "empty": b"", "ü/日本 x.md": b"text"}
        store.put_many(objects)
        assert {key: store.get(key) for key in objects} == objects
        assert store.get_many([*objects, "missing"]) == objects

    def test_writing_again_replaces(self, store: ObjectStore) -> None:
        store.put_many({"k": b"a longer content"})
        store.put_many({"k": b"short"})
        assert store.get("k") == b"short"
        assert [info.size_bytes for info in store.list("")] == [5]

    @pytest.mark.parametrize("key", ["missing", "a", "a/b/c"])
    def test_a_missing_object_is_not_found(self, store: ObjectStore, key: str) -> None:
        store.put_many({"a/b": b"1"})
        with pytest.raises(NotFoundError, match=key):
            store.get(key)
        assert store.get_many([key]) == {}

    def test_nothing_to_do_is_no_error(self, store: ObjectStore) -> None:
        store.put_many({})
        assert store.get_many([]) == {}
        assert list(store.list("")) == []
        assert list(store.list("nowhere/")) == []

    def test_listing_is_in_key_order(self, store: ObjectStore) -> None:
        keys = ["a/z", "a-b", "a0", "a/b/c", "a/b.d", "a.x", "Z", "é", "zz", "a/b-/c"]
        store.put_many(dict.fromkeys(keys, b"x"))
        assert [info.key for info in store.list("")] == sorted(keys)
        assert [info.key for info in store.list("", limit=3)] == sorted(keys)[:3]
        assert list(store.list("", limit=0)) == []

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("inbox/", ["inbox/1.json", "inbox/10.json", "inbox/sub/2.json"]),
            ("inbox/1", ["inbox/1.json", "inbox/10.json"]),
            ("inbox/1.json", ["inbox/1.json"]),
            ("inbox/s", ["inbox/sub/2.json"]),
            ("in", ["inbox/1.json", "inbox/10.json", "inbox/sub/2.json", "index"]),
            ("inbox/1.json/", []),
            ("other", []),
        ],
    )
    def test_listing_by_prefix(self, store: ObjectStore, prefix: str, expected: list[str]) -> None:
        store.put_many(dict.fromkeys(["index", "inbox/sub/2.json", "inbox/10.json", "inbox/1.json", "raw/1"], b"x"))
        assert [info.key for info in store.list(prefix)] == expected

    def test_listing_tells_size_and_time(self, store: ObjectStore) -> None:
        store.put_many({"k": b"12345"})
        (info,) = store.list("")
        assert (info.key, info.size_bytes) == ("k", 5)
        assert abs(info.modified_at - datetime.now(UTC)) < timedelta(minutes=1)

    def test_etag_changes_with_every_content(self, store: ObjectStore) -> None:
        # Fast enough for many writes in one tick of a file system's clock, and for inodes to be given out again.
        etags = []
        for number in range(300):
            store.put_many({"k": f"{number:05}".encode()})
            etags += [info.etag for info in store.list("k")]
        assert len(set(etags)) == 300

    def test_etag_stays_while_nothing_is_written(self, store: ObjectStore) -> None:
        store.put_many({"k": b"1"})
        (before,) = store.list("")
        store.put_many({"other": b"2"})
        store.get("k")
        assert next(iter(store.list("k"))) == before

    def test_deleting(self, store: ObjectStore) -> None:
        store.put_many({"a/b": b"1", "c": b"2"})
        assert store.delete("a/b") is True
        assert store.delete("a/b") is True
        assert store.delete("never/there") is True
        assert store.delete("c/below-an-object") is True
        assert [info.key for info in store.list("")] == ["c"]

    def test_a_prefix_is_no_object_to_delete(self, store: ObjectStore) -> None:
        store.put_many({"a/b": b"1"})
        assert store.delete("a") is True
        assert store.get("a/b") == b"1"

    def test_deleting_only_what_was_seen(self, store: ObjectStore) -> None:
        store.put_many({"k": b"1"})
        (seen,) = store.list("k")
        store.put_many({"k": b"2"})
        assert store.delete("k", if_etag=seen.etag) is False
        assert store.get("k") == b"2"
        (seen,) = store.list("k")
        assert store.delete("k", if_etag=seen.etag) is True
        assert store.delete("k", if_etag=seen.etag) is True
        assert list(store.list("")) == []

    def test_a_conditional_delete_never_takes_a_newer_object(self, store: ObjectStore) -> None:
        barrier = Barrier(2)

        def write(content: bytes) -> None:
            barrier.wait()
            store.put_many({"k": content})

        def delete(etag: str) -> None:
            barrier.wait()
            store.delete("k", if_etag=etag)

        with ThreadPoolExecutor(2) as pool:
            for number in range(200):
                store.put_many({"k": b"old"})
                (seen,) = store.list("k")
                new = b"new %d" % number
                for job in [pool.submit(write, new), pool.submit(delete, seen.etag)]:
                    job.result()
                assert store.get("k") == new

    @pytest.mark.parametrize("key", ODD_KEYS)
    def test_every_printable_key_is_legal(self, store: ObjectStore, key: str) -> None:
        store.put_many({key: b"1", "other": b"2"})
        assert store.get_many([key]) == {key: store.get(key)} == {key: b"1"}
        (seen,) = store.list(key)
        assert seen.key == key
        assert {info.key for info in store.list("")} == {key, "other"}
        assert store.delete(key, if_etag=seen.etag) is True
        assert [info.key for info in store.list("")] == ["other"]

    def test_many_objects_at_once(self, store: ObjectStore) -> None:
        objects = {f"part-{number % 7}/{number:03}": b"%d" % number for number in range(200)}
        store.put_many(objects)
        assert store.get_many([*reversed(objects), *objects, "missing"]) == objects
        assert [info.key for info in store.list("", limit=150)] == sorted(objects)[:150]

    @pytest.mark.parametrize("key", ILLEGAL_KEYS)
    def test_illegal_keys_are_refused_by_name(self, store: ObjectStore, key: str) -> None:
        start = repr(key)[:40].rstrip("'")
        for act in (store.get, store.delete, lambda key: store.put_many({"legal": b"1", key: b"2"})):
            with pytest.raises(PermanentError) as caught:
                act(key)
            assert not isinstance(caught.value, NotFoundError)
            assert start in str(caught.value)
        assert list(store.list("")) == [], "a refused call writes nothing"

    @pytest.mark.parametrize("prefix", ["/", "../", "a/../b", "a//", "a\x00", "a/b\\"])
    def test_illegal_prefixes_are_refused(self, store: ObjectStore, prefix: str) -> None:
        with pytest.raises(PermanentError, match=r"prefix|key"):
            store.list(prefix)

    def test_the_longest_legal_key(self, store: ObjectStore) -> None:
        key = "/".join(["é" * 127 + "p", *["p" * 255] * 2, "p" * 254, "p"])
        assert len(key.encode()) == 1024
        store.put_many({key: b"1"})
        assert [info.key for info in store.list("é")] == [key]
        with pytest.raises(PermanentError, match="1024 bytes"):
            store.put_many({f"{key}p": b"1"})

    def test_readers_see_whole_objects_only(self, store: ObjectStore) -> None:
        contents = [bytes([letter]) * 200_000 for letter in b"ab"]
        store.put_many({"k": contents[0]})
        finished = Event()

        def write(content: bytes) -> None:
            for _ in range(60):
                store.put_many({"k": content})

        def read() -> set[bytes]:
            seen = set()
            while not finished.is_set():
                seen.add(store.get("k"))
            return seen

        with ThreadPoolExecutor(3) as pool:
            reader = pool.submit(read)
            writers = [pool.submit(write, content) for content in contents]
            try:
                for writer in writers:
                    writer.result()
            finally:
                finished.set()
            assert reader.result() <= set(contents)
        assert [info.key for info in store.list("")] == ["k"]

    def test_check_leaves_nothing(self, store: ObjectStore) -> None:
        assert store.check()
        assert list(store.list("")) == []

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from neural_memory_pipelines.errors import ConfigurationError, PermanentError
from neural_memory_pipelines.stores.objects import directory
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore

from .contracts.object_store import ObjectStoreContract


class TestDirectoryObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> DirectoryObjectStore:
        return DirectoryObjectStore(tmp_path / "home" / "objects")


_WRITER = """
import sys
from pathlib import Path
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore

store = DirectoryObjectStore(Path(sys.argv[1]))
contents = {f"part-{n % 7}/{n:04}": b"%d," % n * 40_000 for n in range(2_000)}
print("ready", flush=True)
while True:
    store.put_many(contents)
"""


@pytest.mark.parametrize("delay_seconds", [0.05, 0.2])
def test_a_killed_writer_leaves_whole_objects_only(tmp_path: Path, delay_seconds: float) -> None:
    store = DirectoryObjectStore(tmp_path)
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(delay_seconds)
        writer.send_signal(signal.SIGKILL)
    keys = [info.key for info in store.list("")]
    assert keys, "the writer was killed before it wrote anything"
    for key, content in store.get_many(keys).items():
        assert content == b"%d," % int(key[-4:]) * 40_000
    store.put_many({keys[0]: b"written by the next process"})
    assert store.get(keys[0]) == b"written by the next process"


def test_what_a_killed_writer_left_is_ignored(tmp_path: Path) -> None:
    store = DirectoryObjectStore(tmp_path)
    store.put_many({"k/l": b"1"})
    (tmp_path / "k" / ".staging-0123-0").write_bytes(b"half")
    assert [info.key for info in store.list("")] == ["k/l"]
    assert list(store.list("k/.sta")) == []
    for act in (store.get, store.delete, lambda key: store.put_many({key: b""})):
        for key in ("k/.staging-0123-0", ".staging/lock"):
            with pytest.raises(PermanentError, match="staging"):
                act(key)


def test_no_unfinished_file_is_left(tmp_path: Path) -> None:
    store = DirectoryObjectStore(tmp_path)
    store.put_many({"a": b"1", "b/c": b"2"})
    with pytest.raises(PermanentError):
        store.put_many({"a/below": b"3"})
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == [
        ".staging/lock",
        "a",
        "b/c",
    ]


@pytest.mark.parametrize(("first", "second"), [("a", "a/b"), ("a/b", "a"), ("a", "a/b/c")])
def test_a_key_below_another_is_refused(tmp_path: Path, first: str, second: str) -> None:
    store = DirectoryObjectStore(tmp_path)
    store.put_many({first: b"1"})
    with pytest.raises(PermanentError, match=f"'{second}'.*beside"):
        store.put_many({second: b"2"})
    assert [info.key for info in store.list("")] == [first]


def test_a_root_that_is_a_file_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = DirectoryObjectStore(tmp_path / "file")
    for act in (store.check, lambda: store.put_many({"k": b"1"})):
        with pytest.raises(ConfigurationError, match="NEURAL_MEMORY_HOME"):
            act()


def test_no_writer_comes_between_the_look_and_the_deletion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DirectoryObjectStore(tmp_path)
    store.put_many({"k": b"old"})
    (seen,) = store.list("k")
    writer = Thread(target=store.put_many, args=({"k": b"new"},))

    def etag_while_another_writes(stat: os.stat_result) -> str:
        writer.start()
        writer.join(timeout=0.3)
        return seen.etag

    with monkeypatch.context() as patch:
        patch.setattr(directory, "_etag", etag_while_another_writes)
        assert store.delete("k", if_etag=seen.etag) is True
    writer.join()
    assert store.get("k") == b"new"


def test_objects_carry_the_time_of_the_precise_clock(tmp_path: Path) -> None:
    # Kernels before 6.13 stamp files with a clock that stands still for milliseconds: an etag could come back.
    store = DirectoryObjectStore(tmp_path)
    for number in range(50):
        before_ns = time.time_ns()
        store.put_many({f"k{number}": b""})
        assert before_ns <= (tmp_path / f"k{number}").stat().st_mtime_ns <= time.time_ns()


def test_reading_creates_nothing(tmp_path: Path) -> None:
    store = DirectoryObjectStore(tmp_path / "objects")
    assert list(store.list("")) == []
    assert store.get_many(["k"]) == {}
    assert not (tmp_path / "objects").exists()


def test_symbolic_links_are_not_followed_by_a_listing(tmp_path: Path) -> None:
    store = DirectoryObjectStore(tmp_path)
    store.put_many({"a/b": b"1"})
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert [info.key for info in store.list("")] == ["a/b"]

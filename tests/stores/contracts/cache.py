"""What every cache must pass. A subclass provides the fixture `cache`; keys carry a name of their own per test."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.stores.cache.protocol import Cache


class CacheContract:
    """To forget is allowed only after the time to live, as far as these tests wait."""

    @pytest.fixture
    def prefix(self) -> str:
        return f"test:{uuid4().hex}:"

    def test_what_is_written_is_read(self, cache: Cache, prefix: str) -> None:
        values = {f"{prefix}{n}": text for n, text in enumerate(["", "text", '{"a": 1}', "ü 日本 \x00", "half \ud800"])}
        cache.set_many(values, ttl_seconds=60)
        assert cache.get_many([*values, f"{prefix}missing"]) == values

    def test_writing_again_replaces(self, cache: Cache, prefix: str) -> None:
        cache.set_many({f"{prefix}k": "1"}, ttl_seconds=60)
        cache.set_many({f"{prefix}k": "2"}, ttl_seconds=60)
        assert cache.get_many([f"{prefix}k"]) == {f"{prefix}k": "2"}

    def test_nothing_to_do_is_no_error(self, cache: Cache) -> None:
        cache.set_many({}, ttl_seconds=60)
        cache.delete_many([])
        assert cache.get_many([]) == {}

    def test_more_keys_than_one_batch(self, cache: Cache, prefix: str) -> None:
        values = {f"{prefix}{number}": f"value {number}" for number in range(1_203)}
        cache.set_many(values, ttl_seconds=60)
        assert cache.get_many(list(values)) == values
        cache.delete_many(list(values)[:1_100])
        assert cache.get_many(list(values)) == dict(list(values.items())[1_100:])

    def test_large_values(self, cache: Cache, prefix: str) -> None:
        values = {f"{prefix}{number}": str(number) * 700_000 for number in range(5)}
        cache.set_many(values, ttl_seconds=60)
        assert cache.get_many(list(values)) == values

    def test_deleting_twice_is_no_error(self, cache: Cache, prefix: str) -> None:
        cache.set_many({f"{prefix}k": "1"}, ttl_seconds=60)
        for _ in range(2):
            cache.delete_many([f"{prefix}k", f"{prefix}never there"])
            assert cache.get_many([f"{prefix}k"]) == {}

    def test_values_are_forgotten_in_time(self, cache: Cache, prefix: str) -> None:
        cache.set_many({f"{prefix}short": "1"}, ttl_seconds=1)
        cache.set_many({f"{prefix}long": "1"}, ttl_seconds=60)
        time.sleep(1.2)
        assert set(cache.get_many([f"{prefix}short", f"{prefix}long"])) == {f"{prefix}long"}

    @pytest.mark.parametrize("ttl_seconds", [0, -1])
    def test_a_value_must_live(self, cache: Cache, prefix: str, ttl_seconds: int) -> None:
        with pytest.raises(PermanentError, match="ttl_seconds"):
            cache.set_many({f"{prefix}k": "1"}, ttl_seconds=ttl_seconds)

    def test_check_describes_the_server(self, cache: Cache) -> None:
        assert cache.check()

"""Clustering: every number of vectors, in any order, with duplicates, and on one thread."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from neural_memory_pipelines.errors import ContractError
from neural_memory_pipelines.models.clusterers import density
from neural_memory_pipelines.models.clusterers.agreement import agreed
from neural_memory_pipelines.models.clusterers.evoc import FEWEST_FOR_EVOC, cluster
from neural_memory_pipelines.models.clusterers.modularity import modularity

Vectors = npt.NDArray[np.float32]

_DIM = 32


def _groups(sizes: list[int], *, lone: int = 0, spread: float = 0.5, seed: int = 0) -> Vectors:
    """Groups of vectors around directions of their own, then vectors on their own."""
    random = np.random.default_rng(seed)
    centers = np.repeat(np.linalg.qr(random.normal(size=(_DIM, len(sizes))))[0].T, sizes, axis=0)
    away = random.normal(size=centers.shape)
    vectors = centers + spread * away / np.linalg.norm(away, axis=1, keepdims=True)
    vectors = np.vstack([vectors, random.normal(size=(lone, _DIM))])
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _same_groups(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> bool:
    return bool(((one[:, None] == one) == (other[:, None] == other)).all() and ((one < 0) == (other < 0)).all())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_the_least_are_noise(count: int) -> None:
    assert cluster(_groups([5])[:count], least=3).tolist() == [-1] * count


def test_small_sets_are_grouped() -> None:
    labels = cluster(_groups([3, 4, 9], lone=6), least=3)
    assert labels[:16].tolist() == [*[labels[0]] * 3, *[labels[3]] * 4, *[labels[7]] * 9]
    assert len({labels[0], labels[3], labels[7]}) == 3
    assert (labels[16:] == -1).all()


def test_three_alike_are_a_topic_even_where_there_is_nothing_else() -> None:
    assert cluster(_groups([3]), least=3).tolist() == [0, 0, 0]


def test_smaller_groups_than_wanted_are_noise() -> None:
    labels = cluster(_groups([4, 9]), least=5)
    assert labels.tolist() == [*[-1] * 4, *[0] * 9]


@pytest.mark.parametrize("sizes", [[12, 5, 30], [300, 500, 400]])
def test_the_order_of_rows_does_not_matter(sizes: list[int]) -> None:
    vectors = _groups(sizes, lone=20)
    order = np.random.default_rng(1).permutation(len(vectors))
    assert _same_groups(cluster(vectors, least=3)[order], cluster(vectors[order], least=3))


def test_large_sets_are_grouped_by_density() -> None:
    sizes = [60, 80, 100, 120, 140, 160, 180, 200, 90, 70]
    assert sum(sizes) >= FEWEST_FOR_EVOC
    labels = cluster(_groups(sizes), least=3)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    for group in range(labels.max() + 1):
        assert len(set(truth[labels == group])) == 1
    assert (labels >= 0).mean() > 0.7
    assert len({truth[labels == group][0] for group in range(labels.max() + 1)}) == len(sizes)


def test_the_number_of_threads_does_not_matter_and_is_restored() -> None:
    import numba  # noqa: PLC0415 - slow to import

    vectors = _groups([400, 350, 300])
    before = numba.get_num_threads()
    one = cluster(vectors, least=3)
    try:
        numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
        chosen = numba.get_num_threads()
        np.testing.assert_array_equal(cluster(vectors, least=3), one)
        assert numba.get_num_threads() == chosen
    finally:
        numba.set_num_threads(before)


def test_duplicates_share_a_group() -> None:
    vectors = _groups([4, 4], lone=2)
    repeated = np.repeat(vectors, 150, axis=0)
    labels = cluster(repeated, least=3)
    assert len(labels) >= FEWEST_FOR_EVOC
    assert (labels.reshape(-1, 150) == labels[::150, None]).all()
    assert (labels >= 0).all()  # what comes often enough is a topic, even if nothing else is like it


def test_one_group_of_a_thousand_is_a_group() -> None:
    vectors = _groups([FEWEST_FOR_EVOC + 100], spread=0.1)
    assert (cluster(vectors, least=3) == 0).all()


def test_vectors_without_neighbours_are_noise() -> None:
    random = np.random.default_rng(0).normal(size=(FEWEST_FOR_EVOC, 256))
    vectors = (random / np.linalg.norm(random, axis=1, keepdims=True)).astype(np.float32)
    assert (cluster(vectors, least=3) == -1).mean() > 0.9


@pytest.mark.parametrize("value", [np.nan, np.inf, 2.0])
def test_vectors_that_are_none_are_refused(value: float) -> None:
    vectors = _groups([8])
    vectors[5, 0] = value
    with pytest.raises(ContractError, match="1 of 8 are not of length 1, the first is row 5"):
        cluster(vectors, least=3)


@pytest.mark.parametrize("vectors", [np.zeros(4, dtype=np.float32), np.eye(4)])
def test_other_shapes_and_types_are_refused(vectors: Vectors) -> None:
    with pytest.raises(ContractError, match="expected float32"):
        cluster(vectors, least=3)


def test_importing_it_is_quick() -> None:
    code = (
        "import sys, neural_memory_pipelines.models.clusterers.evoc\n"
        "print(sorted({'numba', 'evoc', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_without_a_place_for_compiled_code_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba  # noqa: PLC0415 - slow to import

    monkeypatch.setattr(density, "_is_writable", lambda _: False)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    density._numba()
    place = Path(numba.config.CACHE_DIR)
    assert place.stat().st_mode & 0o777 == 0o700
    place.rmdir()


class TestAgreement:
    def test_most_runs_decide(self) -> None:
        runs = [[0, 0, 0, 1, 1, 1, -1], [1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0, -1]]
        labels = agreed([np.array(run) for run in runs]).tolist()
        assert labels[0] == labels[1] == labels[2]
        assert labels[3] == labels[4] == labels[5] != labels[0]
        assert labels[6] == -1

    def test_a_row_that_two_of_five_call_noise_is_noise(self) -> None:
        sure, doubted = [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, -1]
        assert agreed([np.array(run) for run in (sure, sure, sure, sure, doubted)])[5] >= 0
        assert agreed([np.array(run) for run in (sure, sure, sure, doubted, doubted)])[5] == -1

    def test_all_noise_and_one_group(self) -> None:
        assert agreed([np.array([-1, -1])] * 3).tolist() == [-1, -1]
        assert agreed([np.array([0, 0, -1]), *[np.array([-1, -1, -1])] * 4]).tolist() == [-1, -1, -1]


class TestModularity:
    def test_neighbours_in_one_group_are_better_than_by_chance(self) -> None:
        neighbors = np.array([[1], [0], [3], [2]], dtype=np.int32)
        assert modularity(np.array([0, 0, 1, 1]), neighbors) == 0.5
        assert modularity(np.array([0, 1, 0, 1]), neighbors) == -0.5

    def test_one_group_tells_nothing(self) -> None:
        assert modularity(np.array([0, 0, -1]), np.array([[1], [0], [0]], dtype=np.int32)) == -1.0

"""Groups a thousand and more vectors with EVoC, several times, and keeps what the runs agree on.

The only place that knows EVoC and numba, which it imports when first needed: that takes seconds.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.models.clusterers.agreement import agreed
from neural_memory_pipelines.models.clusterers.modularity import modularity

Labels = npt.NDArray[np.int64]

_SEEDS = range(5)
_NEIGHBORS = 25  # of 15, 25, 30, 40 and 60, the best on banking77
_LAYERS_APART = 0.5  # Jaccard: layers more alike than this are one; the default of 0.2 skips good ones
_COUNTED_NEIGHBORS = 10
_running = threading.Lock()  # one of numba's threading layers ends the process when two threads enter it


def group(vectors: npt.NDArray[np.float32]) -> Labels:
    """Group rows by density, as most of several runs do.

    A run alone puts many rows elsewhere than one with another seed; five agree better with the labels of people
    (banking77, in eight orders: ARI .665 for one, .705 for five), and with themselves on other nights.

    Args:
        vectors: shape (n, dim), float32, rows of length 1; n at least 100.

    Returns:
        Shape (n,): numbers of groups, -1 for noise.

    Source:
        https://evoc.readthedocs.io; Strehl and Ghosh 2002 for the agreement.
    """
    with _running, _one_thread(_numba()), _quiet():
        runs = [_run(vectors, seed) for seed in _SEEDS]
    return agreed(runs)


def _run(vectors: npt.NDArray[np.float32], seed: int) -> Labels:
    """Run once, and choose among the layers, from fine to coarse, the one that neighbourhoods bear out best."""
    evoc: Any = importlib.import_module("evoc")
    clusterer = evoc.EVoC(n_neighbors=_NEIGHBORS, random_state=seed, min_similarity_threshold=_LAYERS_APART)
    clusterer.fit_predict(vectors)
    neighbors = clusterer.nn_inds_[:, 1 : _COUNTED_NEIGHBORS + 1]  # the first is the row itself
    layers = [np.asarray(layer, dtype=np.int64) for layer in clusterer.cluster_layers_]
    return max(layers, key=lambda labels: modularity(labels, neighbors))


@contextmanager
def _one_thread(numba: ModuleType) -> Iterator[None]:
    """Compute on one thread: results depend on their number, and some machines have one core."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what numba and EVoC say of their own code, and of rows with fewer near neighbours than asked for."""
    with warnings.catch_warnings():
        for module in ("numba", "evoc"):
            warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")
        yield


def _numba() -> ModuleType:
    """Import numba, with a place for compiled code: with none, importing EVoC fails."""
    numba = importlib.import_module("numba")
    if not numba.config.CACHE_DIR and not any(map(_is_writable, _cache_folders())):
        # Of this process alone: compiled code in a place that others can write to is theirs to choose.
        numba.config.CACHE_DIR = tempfile.mkdtemp(prefix="numba-")
        atexit.register(shutil.rmtree, numba.config.CACHE_DIR, ignore_errors=True)
    return numba


def _cache_folders() -> Iterator[Path]:
    """Where numba keeps compiled code by itself: beside EVoC, else in the user's cache."""
    spec = importlib.util.find_spec("evoc")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "__pycache__"
    places = importlib.import_module("numba.misc.appdirs").AppDirs(appname="numba", appauthor=False)
    yield Path(places.user_cache_dir)


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False

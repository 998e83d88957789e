"""The map of topics, as markdown with the image inside. Which points are drawn is decided by the asset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from neural_memory_pipelines.defs.pictures import as_markdown, new_figure, written
from neural_memory_pipelines.domain.ids import ClusterId
from neural_memory_pipelines.stores.postgres.topics import MapPoint

_SEED = 7
_LEAST_FOR_NEIGHBOURS = 12
_LARGEST_PERPLEXITY = 30.0
_LABELLED = 25
_LARGEST_DOT, _SMALLEST_DOT = 60.0, 8.0


def topic_map(points: Sequence[MapPoint], labels: Mapping[ClusterId, str]) -> str:
    """Draw observations in two dimensions, near ones near, each in the color of its topic.

    Args:
        points: what is drawn.
        labels: of the topics, the largest first; the first 25 are written where their observations are.

    Returns:
        Markdown with a PNG inside.
    """
    figure, axes = new_figure()
    places = _flat(points)
    numbers = {topic: number for number, topic in enumerate(labels)}
    drawn = Counter(point.topic for point in points)
    import matplotlib as mpl  # noqa: PLC0415 - drawing takes a second to load

    colors = mpl.colormaps["tab20"]
    size = max(_LARGEST_DOT - len(points) / 10, _SMALLEST_DOT)
    for topic, number in numbers.items():
        mine = [at for at, point in enumerate(points) if point.topic == topic]
        axes.scatter(places[mine, 0], places[mine, 1], s=size, color=colors(number % 20), alpha=0.8, linewidths=0)
        if number < _LABELLED and drawn[topic]:
            _label(axes, written(labels[topic]), places[mine])
    axes.set_axis_off()
    return as_markdown(figure, "observations by topic")


def _label(axes: Any, label: str, places: Any) -> None:
    import numpy as np  # noqa: PLC0415 - as all of drawing

    x, y = np.median(places, axis=0)
    box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.5}
    text = axes.text(x, y, label, fontsize=8, ha="center", va="center", bbox=box)
    text.set_in_layout(False)  # else a long label of a topic at the edge leaves no room for the map


def _flat(points: Sequence[MapPoint]) -> Any:
    """Bring vectors down to two dimensions: by t-SNE, or, for a handful, by their main components.

    Source: van der Maaten and Hinton 2008, "Visualizing Data using t-SNE".
    """
    import numpy as np  # noqa: PLC0415 - as all of drawing
    from sklearn.decomposition import PCA  # noqa: PLC0415 - takes a second to load
    from sklearn.manifold import TSNE  # noqa: PLC0415 - takes a second to load

    vectors = np.stack([point.values for point in points]).astype(np.float64)
    if len(points) < _LEAST_FOR_NEIGHBOURS or not np.ptp(vectors, axis=0).any():
        with np.errstate(invalid="ignore"):  # where all are the same, no direction explains anything
            return PCA(n_components=2, random_state=_SEED).fit_transform(vectors)
    perplexity = min(_LARGEST_PERPLEXITY, (len(points) - 1) / 3)
    return TSNE(init="pca", metric="cosine", perplexity=perplexity, random_state=_SEED).fit_transform(vectors)

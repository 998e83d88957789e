"""Pictures for the UI, as markdown with the image inside. What they show is decided by the assets."""

import base64
import io
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.stores.postgres.graph import EdgeRow

_NODES_DRAWN = 28
_NAME_CHARS = 30
_NAME_DROP = 0.045
_SPREAD = 3.2
_SIZE_INCHES = (11.0, 7.5)
_DOTS_PER_INCH = 80
_SEED = 7

_NODE_COLORS = {
    "document": "#4e79a7",
    "person": "#e15759",
    "bot": "#9c9c9c",
    "team": "#b07aa1",
    "repository": "#59a14f",
    "component": "#f28e2b",
    "project": "#76b7b2",
    "goal": "#edc948",
}
_EDGE_COLORS = ("#8cb0d6", "#e8a5a6", "#a9d2a1", "#f5c48a", "#c9a9c6", "#9fd0cb", "#d9c26a", "#b5b5b5")


def graph_picture(edges: Sequence[EdgeRow]) -> str:
    """Draw the best connected part of a graph.

    Args:
        edges: live edges; the nodes with the most of them are drawn, each in the color of its kind.

    Returns:
        Markdown with a PNG inside.
    """
    figure, axes = new_figure()
    _draw(axes, _best_connected(edges))
    return as_markdown(figure, "the best connected part of the graph")


def new_figure() -> tuple[Any, Any]:
    """Make an empty figure, and the axes to draw on."""
    # Imported here: drawing takes a second to load, and loading the code location must not.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, layout="tight")
    return figure, figure.add_subplot()


def as_markdown(figure: Any, alternative: str) -> str:
    """Spell a figure as markdown with a PNG inside; `alternative` is what it shows, in words."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow to load

    data = io.BytesIO()
    with warnings.catch_warnings():
        # A sign that the font lacks is drawn as a box; that is no news for the log of a run.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        FigureCanvasAgg(figure).print_png(data)  # type: ignore[no-untyped-call]  # matplotlib types it not
    return f"![{alternative}](data:image/png;base64,{base64.b64encode(data.getvalue()).decode()})"


def _best_connected(edges: Sequence[EdgeRow]) -> list[EdgeRow]:
    degrees = Counter(node for edge in edges for node in (edge.from_id, edge.to_id))
    drawn = {node for node, _ in sorted(degrees.items(), key=lambda item: (-item[1], item[0]))[:_NODES_DRAWN]}
    return [edge for edge in edges if {edge.from_id, edge.to_id} <= drawn]


def _draw(axes: Any, edges: Sequence[EdgeRow]) -> None:
    import networkx as nx  # noqa: PLC0415

    graph = nx.DiGraph()
    for edge in edges:
        graph.add_node(edge.from_id, kind=edge.from_kind, name=edge.from_name)
        graph.add_node(edge.to_id, kind=edge.to_kind, name=edge.to_name)
        graph.add_edge(edge.from_id, edge.to_id, type=edge.type)
    positions = nx.spring_layout(graph, seed=_SEED, k=_SPREAD / max(len(graph), 1) ** 0.5, iterations=400)
    types = nx.get_edge_attributes(graph, "type")
    for number, kind in enumerate(dict.fromkeys(types.values())):
        drawn = [edge for edge in graph.edges if types[edge] == kind]
        color = _EDGE_COLORS[number % len(_EDGE_COLORS)]
        nx.draw_networkx_edges(graph, positions, edgelist=drawn, ax=axes, edge_color=color, arrowsize=8, width=1.0)
        axes.plot([], [], color=color, label=kind.lower().replace("_", " "))
    kinds = nx.get_node_attributes(graph, "kind")
    for kind in dict.fromkeys(kinds.values()):
        nodes = [node for node in graph if kinds[node] == kind]
        sizes = [40 + 25 * graph.degree[node] for node in nodes]
        color = _NODE_COLORS.get(kind, "#bab0ac")
        nx.draw_networkx_nodes(graph, positions, nodelist=nodes, node_color=color, node_size=sizes, ax=axes, label=kind)
    below = {node: (x, y - _NAME_DROP) for node, (x, y) in positions.items()}
    names = {node: written(name or node) for node, name in nx.get_node_attributes(graph, "name").items()}
    box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.5}
    nx.draw_networkx_labels(graph, below, labels=names, font_size=7, bbox=box, ax=axes)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, markerscale=0.5, frameon=False)
    axes.set_axis_off()


def written(name: str) -> str:
    """Spell a name as it is to be written in a picture: between two dollar signs, it would be read as a formula."""
    return clip(name, _NAME_CHARS).replace("$", r"\$")

"""Pictures for the UI, as markdown with the image inside. What they show is decided by the assets."""

import base64
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.stores.postgres.graph import EdgeRow

_NODES_DRAWN = 36
_NAME_CHARS = 26
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


def graph_picture(edges: Sequence[EdgeRow]) -> str:
    """Draw the best connected part of a graph.

    Args:
        edges: live edges; the nodes with the most of them are drawn, each in the color of its kind.

    Returns:
        Markdown with a PNG inside.
    """
    # Imported here: drawing takes a second to load, and loading the code location must not.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, layout="tight")
    canvas = FigureCanvasAgg(figure)
    _draw(figure.add_subplot(), _best_connected(edges))
    data = io.BytesIO()
    canvas.print_png(data)  # type: ignore[no-untyped-call]
    image = base64.b64encode(data.getvalue()).decode()
    return f"![the best connected part of the graph](data:image/png;base64,{image})"


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
    positions = nx.spring_layout(graph, seed=_SEED, k=1.6 / max(len(graph), 1) ** 0.5, iterations=120)
    kinds = nx.get_node_attributes(graph, "kind")
    for kind in dict.fromkeys(kinds.values()):
        nodes = [node for node in graph if kinds[node] == kind]
        sizes = [60 + 30 * graph.degree[node] for node in nodes]
        color = _NODE_COLORS.get(kind, "#bab0ac")
        nx.draw_networkx_nodes(graph, positions, nodelist=nodes, node_color=color, node_size=sizes, ax=axes, label=kind)
    nx.draw_networkx_edges(graph, positions, ax=axes, edge_color="#00000040", arrowsize=9, width=0.9)
    labels = {node: clip(name or node, _NAME_CHARS) for node, name in nx.get_node_attributes(graph, "name").items()}
    nx.draw_networkx_labels(graph, positions, labels=labels, font_size=7, ax=axes)
    types = {(a, b): kind.lower().replace("_", " ") for a, b, kind in graph.edges(data="type")}
    nx.draw_networkx_edge_labels(graph, positions, edge_labels=types, font_size=5, font_color="#555555", ax=axes)
    axes.legend(loc="lower left", fontsize=7, markerscale=0.5, frameon=False)
    axes.set_axis_off()

"""How a trace is printed: a line for each thing, with what is worth knowing of its kind.

What a trace holds is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from rich.tree import Tree

from neural_memory_pipelines.cli.output import plain
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.retrieval.tracing import TraceBranch, TraceNode
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind

_WORDS_CHARS = 100
_TIME_CHARS = len("2026-01-02T03:04")

# Branches whose name says no more than the kind that follows.
_UNNAMED = frozenset({"document", "raw", "stands for", "ledger"})

_FACTS: Mapping[Kind, tuple[str, ...]] = {
    Kind.PROFILE: (
        "at {embedding_version}",
        "{observations} observations",
        "{summaries} summaries",
        "made {last_rebuilt_at}",
    ),
    Kind.SUMMARY: ("{start}", "to {occurred_at}", "cites {cited}", "by {written_by}"),
    Kind.CLUSTER: ("{of}", "{size} observations"),
    Kind.OBSERVATION: ("{occurred_at}", "importance {importance}"),
    Kind.RELATIONSHIP: ("since {since}", "confidence {confidence}", "by {detected_by}"),
    Kind.CHUNK: ("number {chunk_index}", "{tokens} tokens", "{occurred_at}"),
    Kind.DOCUMENT: ("{type}", "version {version}", "{occurred_at}"),
    Kind.DESCRIPTION: ("version {version}", "as of {as_of}"),
    Kind.RAW: ("{bytes} bytes", "received {received_at}", "event {event_key}"),
    Kind.ENTRY: ("at {embedding_version}", "{version_status}", "index {index}", "{namespace}", "written {upserted_at}"),
    Kind.QUESTION: ("weight {weight}",),
}
_MARKS: Mapping[str, str] = {
    "superseded_at": "superseded {0}",
    "died_at": "ended {0}",
    "aged_at": "left the hot index {0}",
    "until": "not stated any more since {0}",
    "deleted_at": "deleted {0}",
    "merged_into": "merged into {0}",
    "says_deleted": "says that it is gone",
    "unconfirmed": "not confirmed by the index",
    "dead_letter_id": "dead letter {0}",
    "reason": "{0}",
}


def tree_of(root: TraceNode) -> Tree:
    """Lay out a trace for a terminal or a file."""
    tree = Tree(_line(root), guide_style="dim")
    _grow(tree, root)
    return tree


def _grow(tree: Tree, node: TraceNode) -> None:
    for branch in node.branches:
        limb = tree if branch.name in _UNNAMED else tree.add(Text(_header(branch), style="cyan"))
        for child in branch.nodes:
            _grow(limb.add(_line(child)), child)
        if branch.more:
            limb.add(Text(f"... and {branch.more:,} more; --all shows them", style="dim"))
        if branch.hidden:
            limb.add(Text(f"{branch.hidden:,} that only some may read; --private shows them", style="dim"))


def _header(branch: TraceBranch) -> str:
    return f"{branch.name} ({len(branch.nodes) + branch.more:,})"


def _line(node: TraceNode) -> Text:
    line = Text(f"[{node.number}] " if node.number is not None else "")
    line.append(f"{node.kind} ", style="dim")
    line.append(plain(node.id), style="bold")
    words = _one_line(clip(node.words, _WORDS_CHARS))
    for part in (node.name, words):
        # The words of a chunk begin with its heading mostly.
        if part and (part is words or _one_line(part) not in words):
            line.append(f"  {_one_line(part)}")
    facts = [_filled(template, node.facts) for template in _FACTS.get(node.kind, ())]
    told = ", ".join(fact for fact in facts if fact)
    if told:
        line.append(f"  ({_one_line(told)})", style="dim")
    marks = _marks(node)
    if marks:
        line.append(f"  {_one_line('; '.join(marks))}", style="yellow")
    return line


def _marks(node: TraceNode) -> list[str]:
    marks = [template.format(_shown(node.facts[name])) for name, template in _MARKS.items() if name in node.facts]
    standing = {
        "gone: nothing is kept under this id": node.is_gone,
        "private": node.is_private and node.kind is not Kind.RAW,
        "deleted by its source": node.is_deleted and "deleted_at" not in node.facts,
        "this description holds": node.facts.get("holds") is True and "says_deleted" not in node.facts,
        "in no index": node.facts.get("in_indexes") == 0,
        "shown above": node.is_repeated,
    }
    return marks + [mark for mark, is_so in standing.items() if is_so]


def _filled(template: str, facts: Mapping[str, object]) -> str:
    """Fill in a fact; nothing if it is not known."""
    name = template.partition("{")[2].partition("}")[0]
    return template.format(**{name: _shown(facts[name])}) if name in facts else ""


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = str(value)
    # A time is told to the minute.
    return (
        text[:_TIME_CHARS].replace("T", " ") if text[10:11] == "T" and text[4:5] == "-" and text[7:8] == "-" else text
    )


def _one_line(text: str) -> str:
    return plain(" ".join(text.split()))

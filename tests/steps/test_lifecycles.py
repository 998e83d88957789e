"""Lives of documents against a model that sorts all that was said: however events come, the memory says the same."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.changes import (
    DescriptionRecord,
    Outcome,
    StoredDocument,
    decide,
    gone_since,
    link_spans,
    version_of,
)
from neural_memory_pipelines.domain.documents import Rename
from neural_memory_pipelines.domain.ids import ContentHash, WorkspaceId
from neural_memory_pipelines.domain.renames import current_name
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps import assemble, persist
from neural_memory_pipelines.steps.entities import resolve_entities
from neural_memory_pipelines.steps.identities import decide_identity
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.steps.relationships import reconcile_relationships
from neural_memory_pipelines.stores.postgres import events

from . import scripted
from .dumps import cache_keys, indexed_ids, rows, statuses
from .memory_state import difference, memory_state
from .pipeline import run_path
from .samples import page_event, prose
from .scripted import hour, told

Event = tuple[str, int, dict[str, Any]]
"""A key, the hour of the event, and what it says."""

_SHUFFLES = 3


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted.install(monkeypatch)


def _build(session: Session, workspace: WorkspaceId, lines: Sequence[bytes]) -> None:
    """Run the steps that write documents and the graph."""
    stores, version = session.stores, session.new_workspace_version
    put_lines(stores.objects, workspace, lines)
    receive_events(workspace, stores=stores, new_workspace_version=version, organization_id="org")
    persist_pending(workspace, stores=stores, version=version, load_embedder=lambda: session.embedder(version))
    resolve_entities(workspace, stores=stores)
    reconcile_relationships(workspace, stores=stores)


def _lines(workspace: WorkspaceId, told_events: Sequence[Event]) -> list[bytes]:
    return [told(workspace, key, at=at, **says) for key, at, says in told_events]


def _memory(session: Session, workspace: WorkspaceId, *batches: Sequence[Event]) -> dict[str, list[Any]]:
    for batch in batches:
        _build(session, workspace, _lines(workspace, batch))
    return memory_state(session, workspace)


def _require_any_order(
    session: Session, workspace: WorkspaceId, life: Sequence[Event], patch: pytest.MonkeyPatch, *, seed: int = 0
) -> dict[str, list[Any]]:
    """Require that a life ends the same in any order, in runs and transactions of any size; give how it ends."""
    expected = _memory(session, workspace, life)
    generator = random.Random(seed)
    for number in range(_SHUFFLES):
        other = WorkspaceId(f"{workspace}-{number}")
        mixed = generator.sample(life, len(life))
        # The first time each event alone: every state that can be seen on the way is seen.
        runs = len(mixed) if number == 0 else generator.choice([1, 2])
        with patch.context() as sizes:
            sizes.setattr(persist, "_EVENTS_PER_TRANSACTION", generator.choice([1, 2, 64]))
            memory = _memory(session, other, *(mixed[run::runs] for run in range(runs)))
        assert difference(expected, memory) == {}, [mixed[run::runs] for run in range(runs)]
    return expected


def _page(name: str, at: float, text: str = "Plain words.", **fields: Any) -> dict[str, Any]:
    return {"docs": [{"id": name, "at": at, "text": text, **fields}]}


def _gone(name: str, at: float, why: str = "gone") -> dict[str, Any]:
    return {"gone": [{"id": name, "at": at, "why": why}]}


def _part(document: str, part: str, at: float, text: str | None) -> dict[str, Any]:
    return {"parts": [{"doc": document, "part": part, "at": at, "text": text, "context": "r"}]}


def _room(at: float, **content: Any) -> dict[str, Any]:
    return {"parts": [{"doc": "r", "part": "room", "at": at, "content": content, "context": "r"}]}


def _life(*says: dict[str, Any]) -> list[Event]:
    return [(f"e{number:02}", number, one) for number, one in enumerate(says, start=1)]


def _reference(name: str, words: str) -> dict[str, Any]:
    return {"type": "REFERENCES", "to": f"document scripted:{name}", "words": words}


# --- lives that end the same in every order -------------------------------------------------------------------------

_PARENT_AND_CHILD = ("a", "a/b", "a/b/c")


def _life_of_a_family() -> list[Event]:
    """A parent with a child and a grandchild: deleted, restored, deleted twice for different reasons."""
    a, b, c = _PARENT_AND_CHILD
    return _life(
        _page(a, 1, links=[]),
        _page(b, 2, parent=a),
        _page(c, 3, "See a there.", parent=b, links=[_reference(a, "a there")]),
        _gone(a, 4, "one reason"),
        _page(a, 5),
        _gone(a, 6, "another reason"),
        _gone(a, 7, "a third reason"),
        _page(c, 8, "Changed while its parents were gone.", parent=b),
    )


def _life_of_a_restored_family() -> list[Event]:
    return [*_life_of_a_family(), ("z", 9, _page("a", 9))]


def _life_of_a_thread() -> list[Event]:
    """Messages edited, deleted before they came, trivial again; a room that is renamed and turns private."""
    return _life(
        _part("r/1", "m1", 1, "See #x for more."),
        _part("r/1", "m2", 2, "Words of weight."),
        _part("r/1", "m1", 3, "See #y instead."),
        _part("r/1", "m2", 4, None),
        _part("r/2", "m3", 5, "Only to become trivial."),
        _part("r/2", "m3", 6, "~ok"),
        _part("r/3", "m4", 7, None),
        _part("r/3", "m4", 6, "Deleted before it came."),
        _room(2, room="till"),
        _room(5, room="pier", privacy="private"),
        _page("x", 1),
        _page("y", 1),
    )


def _life_of_a_closed_room() -> list[Event]:
    return [*_life_of_a_thread(), ("z", 9, _room(9, closed=True))]


def _life_of_names() -> list[Event]:
    """Names handed round: a to b to c and back to a; a freed name that is used again; a child elsewhere."""
    renames = [("a", "b", 2), ("b", "c", 4), ("c", "a", 6), ("d", "e", 3), ("e", "f", 5), ("d", "e", 7)]
    return [
        *_life(
            _page("a/1", 1), _page("b/1", 3), _page("c/1", 5, "Changed words."), _page("a/1", 7, "The last words."),
            _page("d/1", 1), _page("d/1", 6), _page("e/1", 4), _page("e/1", 8), _gone("f/2", 9), _page("d/2", 2),
            _page("g", 2, parent="d/1"),
        ),
        *((f"r{number}", number, {"renames": [{"old": old, "new": new, "at": at}]})
          for number, (old, new, at) in enumerate(renames)),
    ]  # fmt: skip


def _life_of_names_of_things() -> list[Event]:
    """A team changes its name, a person turns out to be a bot, a login is all that is known of somebody at first."""

    def team(at: float, name: str) -> dict[str, Any]:
        links = [
            {"type": "PART_OF", "to": "team linear:t", "field": "team", "name": name},
            {"type": "ASSIGNED_TO", "to": "person github-login:ben", "field": "assignees"},
        ]
        return _page("a", at, links=links, author="github:7 Ada", occurred=9 - at)

    return _life(
        team(1, "Zeta"),
        team(2, "Alpha"),
        {"accounts": ["github:8 Ben"]},
        {"accounts": ["github:7 Ada!"]},
        _page("b", 3, author="github:7 Ada!"),
    )


def _life_of_handles() -> list[Event]:
    """Two documents answer to one handle; the one that answered last is deleted; who is called so comes first."""
    return _life(
        _page("a", 1, "See one and b there.", links=[_reference("one", "one"), _reference("b", "b there")]),
        _page("b", 2, handles=["scripted:one"]),
        _page("c", 3, handles=["scripted:one", "scripted:b"]),
        _gone("c", 4),
        _page("d", 2, handles=["scripted:b"]),
        _page("b", 1, handles=[]),
    )


def _life_of_pushes() -> list[Event]:
    """One push told twice, and one delivery with two contents: in every order the same one of them counts."""

    def push(name: str, after: str, delivery: str | None = None) -> dict[str, Any]:
        commit = {"store": "s", "after": after, "before": "0", "delivery_id": delivery}
        return {**_page(name, 1, f"By {after}."), "commit": commit}

    return _life(push("a", "c1"), push("b", "c1"), push("c", "c2", "d1"), push("d", "c3", "d1"), push("a", "c4"))


def _life_of_equal_times() -> list[Event]:
    """A webhook and a REST object tell of one state, as of one time; an event tells of one document twice."""
    twice = {"docs": [{"id": "b", "at": 4, "text": "Later."}, {"id": "b", "at": 2, "text": "Earlier."}]}
    return _life(
        _page("a", 1, "By webhook."),
        _page("a", 1, "By REST, with more."),
        _gone("a", 1),
        _page("b", 3, "Between."),
        twice,
    )


_LIVES: Sequence[Callable[[], list[Event]]] = (
    _life_of_a_family,
    _life_of_a_restored_family,
    _life_of_a_thread,
    _life_of_a_closed_room,
    _life_of_names,
    _life_of_names_of_things,
    _life_of_handles,
    _life_of_pushes,
    _life_of_equal_times,
)


@pytest.mark.parametrize("life", _LIVES, ids=lambda life: life.__name__.removeprefix("_"))
def test_a_life_ends_the_same_in_every_order(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch, life: Callable[[], list[Event]]
) -> None:
    assert _require_any_order(session, workspace, life(), monkeypatch)["documents"]


@pytest.mark.parametrize("seed", range(6))
def test_made_up_lives_end_the_same_in_every_order_and_as_the_model_says(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    life = list(_made_up(random.Random(seed)))
    _require_any_order(session, workspace, life, monkeypatch, seed=seed)
    assert _pages(session, workspace) == _modelled(life)


# --- the model ------------------------------------------------------------------------------------------------------


def _made_up(generator: random.Random) -> Iterator[Event]:
    """Make up pages with parents that are changed, deleted, restored and renamed, and threads in a room."""
    names = ("a/1", "a/2", "a/1/c", "b/1", "b/1/c")
    texts = ("Plain words here.", "See two and three now.", "Another text about two.")
    targets = {"two": "a/2", "three": "b/1"}

    def page() -> dict[str, Any]:
        name, text = generator.choice(names), generator.choice(texts)
        links: list[dict[str, Any]] = [
            _reference(target, words) for words, target in targets.items() if words in text
        ]  # fmt: skip
        if generator.random() < 0.4:
            team = {"type": "PART_OF", "to": f"team t:{generator.choice('pq')}", "field": "team"}
            links.append({**team, "name": generator.choice(["Alpha", "Zeta"])})
        fields = {"links": links, "occurred": generator.randint(1, 9), "observes": [text][: generator.randint(0, 1)]}
        if name.endswith("/c"):
            fields["parent"] = name.removesuffix("/c")
        if generator.random() < 0.4:
            fields["author"] = generator.choice(["github:7 Ada", "github:7 Ada!", "github:8 Ben"])
        return _page(name, generator.randint(1, 9), text, **fields)

    def message() -> dict[str, Any]:
        text = generator.choice(["Words of weight.", "See #a/2 for more.", "~ok", None])
        return _part(generator.choice(["r/1", "r/2"]), generator.choice("mno"), generator.randint(1, 9), text)

    for number in range(generator.randint(8, 18)):
        kind = generator.choice(["page", "page", "page", "gone", "message", "message", "room", "rename"])
        says: dict[str, Any]
        match kind:
            case "page":
                says = page()
            case "gone":
                says = _gone(generator.choice(names), generator.randint(1, 9), generator.choice(["one", "other"]))
            case "message":
                says = message()
            case "room":
                content = generator.choice([{"room": "till"}, {"room": "pier", "privacy": "private"}])
                says = _room(generator.randint(1, 9), **content)
            case _:
                old, new = generator.choice([("a", "z"), ("z", "y"), ("y", "a"), ("b", "z")])
                says = {"renames": [{"old": old, "new": new, "at": generator.randint(1, 9) + 0.5}]}
        yield f"e{number:02}", generator.randint(1, 9), says


Page = tuple[datetime, str, str, int, datetime | None, str | None]
"""As of, event, live text, version, deleted at, deleted with."""


def _modelled(life: Sequence[Event]) -> dict[str, Page]:
    """Work out how pages end, by sorting all that was said of each."""
    renames = sorted(
        (Rename("scripted", one["old"], one["new"], hour(one["at"])) for _, _, says in life
         for one in says.get("renames", ())), key=lambda one: (one.as_of, one.old, one.new),
    )  # fmt: skip

    def named(name: str, at: float) -> str:
        return current_name("scripted", name, as_of=hour(at), renames=renames)

    said: dict[str, list[tuple[float, bool, str, dict[str, Any]]]] = {}
    for key, _, says in life:
        for one in says.get("docs", ()):
            said.setdefault(named(one["id"], one["at"]), []).append((one["at"], False, key, one))
        for one in says.get("gone", ()):
            said.setdefault(named(one["id"], one["at"]), []).append((one["at"], True, key, one))
    model: dict[str, Page] = {}
    parents: dict[str, str] = {}
    for name, all_said in said.items():
        ordered = sorted(all_said, key=lambda one: one[:3])
        states = [("", "") if gone else _state(one, renames) for _, gone, _, one in ordered]
        version = 1 + sum(before != after for before, after in zip(states, states[1:], strict=False))
        at, is_gone, key, one = ordered[-1]
        run = next((n for n, (_, gone, *_) in enumerate(reversed(ordered)) if not gone), len(ordered))
        since = hour(ordered[-run][0]) if is_gone else None
        model[name] = (hour(at), key, one.get("text", ""), version, since, None)
        if not is_gone and "parent" in one:
            parents[name] = named(one["parent"], at)
    return {name: _with_parents(name, model, parents) for name in model}


def _state(one: Mapping[str, Any], renames: Sequence[Rename]) -> tuple[str, str]:
    """Spell what makes a version of a page, by the words of the script."""
    telling = {key: value for key, value in one.items() if key not in {"at", "occurred"}}
    if "author" in telling:
        telling["author"] = telling["author"].rstrip("!")  # the same account, whatever it turns out to be
    at = hour(one["at"])
    telling["was"] = current_name("scripted", one["id"], as_of=at, renames=renames) != one["id"]
    return "told", json.dumps(telling, sort_keys=True)


def _with_parents(name: str, model: dict[str, Page], parents: Mapping[str, str]) -> Page:
    as_of, event, text, version, gone_at, _ = model[name]
    above = parents.get(name)
    while gone_at is None and above in model:
        if model[above][4] is not None:
            return as_of, event, "", version, model[above][4], parents[name]
        above = parents.get(above)
    return as_of, event, text, version, gone_at, None


def _pages(session: Session, workspace: WorkspaceId) -> dict[str, Page]:
    query = """SELECT d.source_id, d.as_of, d.as_of_event, split_part(coalesce(c.text, ''), E'\\n\\n', 2), d.version,
        d.deleted_at, d.deleted_with FROM knowledge_documents d LEFT JOIN knowledge_chunks c
        ON c.document_id = d.document_id AND c.superseded_at IS NULL WHERE d.source_id NOT LIKE 'r/%'"""
    return {row[0]: row[1:] for row in rows(session, workspace, query)}  # type: ignore[misc]

"""Lives of documents against a model that sorts all that was said: however events come, the memory says the same."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
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
from neural_memory_pipelines.domain.documents import Changes, Rename, Skip
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import ContentHash, WorkspaceId
from neural_memory_pipelines.domain.renames import current_name, is_below, later_names
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


def _made_up(generator: random.Random) -> Iterator[Event]:  # noqa: C901 - a branch for each kind of event
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
        version = 1 + sum(before != after for before, after in pairwise(states))
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
    return {row[0]: row[1:] for row in rows(session, workspace, query)}


# --- events that are read again, and say something else -------------------------------------------------------------


def _read_all_again(session: Session, workspace: WorkspaceId, patch: pytest.MonkeyPatch, **now: dict[str, Any]) -> None:
    """Read all events again with a parser to which some of them, by key, say something else."""
    parse = scripted.parse
    with patch.context() as newer:

        def other(event: SourceEvent) -> Changes | Skip:
            says = now.get(event.idempotency_key.replace(" ", "_"))
            return parse(event if says is None else replace(event, payload=says))

        newer.setattr(scripted, "parse", other)
        scripted.install(newer)
        with session.stores.database.transaction(workspace) as tx:
            events.read_all_again(tx)
        _build(session, workspace, [])


_TOLD_BEFORE: list[Event] = [
    ("first", 1, _page("a", 1, "See b there and c too.", links=[_reference("b", "b there"), _reference("c", "c too")])),
    ("second", 2, {"docs": [{"id": "a", "at": 2, "text": "Later."}, {"id": "b", "at": 2, "text": "Beside."}]}),
    ("third", 3, _page("c", 3, author="github:9 Zoe")),
    ("fourth", 4, _part("r/1", "m1", 4, "Words of weight.")),
    ("fifth", 5, _part("r/1", "m2", 5, "More words.")),
    ("sixth", 6, _part("r/2", "m3", 6, "A thread of one.")),
    ("seventh", 7, _room(7, room="till")),
    ("eighth", 8, _gone("d", 8)),
    ("ninth", 9, _page("d/1", 2, parent="d")),
]

_TOLD_NOW: list[dict[str, dict[str, Any]]] = [
    {"second": {"docs": [{"id": "b", "at": 2, "text": "Beside."}]}},
    {"second": {"skip": "trivial"}},
    {"second": {"docs": [{"id": "a", "at": 0, "text": "Earlier than it seemed."}]}},
    {"first": _page("a", 1, "See c too.", links=[_reference("c", "c too")]), "sixth": {}},
    {"third": {"accounts": ["github:9 Zoe"]}},
    {"fourth": {"skip": "empty"}, "sixth": {"skip": "empty"}},
    {"fifth": _part("r/2", "m2", 5, "More words.")},
    {"fifth": _part("r/1", "m1", 3, "Earlier than it seemed.")},
    {"seventh": {}},
    {"eighth": {}},
    {"first": {"renames": [{"old": "b", "new": "e", "at": 5}]}},
]


@pytest.mark.parametrize("now", _TOLD_NOW, ids=range(len(_TOLD_NOW)))
def test_what_events_say_no_more_does_not_linger(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch, now: dict[str, dict[str, Any]]
) -> None:
    before = _memory(session, workspace, _TOLD_BEFORE)
    _read_all_again(session, workspace, monkeypatch, **now)
    other = WorkspaceId(f"{workspace}-fresh")
    fresh = _memory(session, other, [(key, at, now.get(key, says)) for key, at, says in _TOLD_BEFORE])
    assert difference(fresh, memory_state(session, workspace)) == {}
    assert fresh != before


def test_an_event_that_can_be_read_no_more_leaves_what_it_said(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _memory(session, workspace, _TOLD_BEFORE)
    _read_all_again(session, workspace, monkeypatch, second={"fault": "broken for now"})
    assert statuses(session, workspace)["dead"] == 1
    assert difference(before, memory_state(session, workspace)) == {}


def test_reading_all_again_changes_nothing(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _memory(session, workspace, _TOLD_BEFORE, _life_of_a_family(), [("x", 9, _part("r/1", "m2", 9, None))])
    _read_all_again(session, workspace, monkeypatch)
    assert difference(before, memory_state(session, workspace)) == {}


# --- threads and rooms ----------------------------------------------------------------------------------------------


def test_many_threads_of_a_room_are_told_of_it_by_events_that_are_read_again(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = [(f"m{n}", n, _part(f"r/{n}", "m", n, f"Words {n} of weight.")) for n in range(9)]
    changed = [("room", 9, _room(9, room="pier", privacy="private"))]
    expected = _memory(session, workspace, life, changed)
    monkeypatch.setattr(assemble, "_DOCUMENTS_AT_ONCE", 2)
    other = WorkspaceId(f"{workspace}-again")
    assert difference(expected, _memory(session, other, life, changed)) == {}
    assert {row[0] for row in rows(session, other, "SELECT privacy FROM knowledge_documents")} == {"private"}


def test_a_thread_whose_room_turns_private_is_private_everywhere(session: Session, workspace: WorkspaceId) -> None:
    put_lines(session.stores.objects, workspace, _lines(workspace, _life(_part("r/1", "m", 1, "Words of weight."))))
    run_path(session, workspace)
    put_lines(session.stores.objects, workspace, _lines(workspace, [("room", 2, _room(2, privacy="private"))]))
    run_path(session, workspace)
    (cached,) = (json.loads(value) for key, value in cache_keys(session, workspace).items() if "document:" in key)
    assert cached["privacy"] == "private"


def test_a_thread_that_is_trivial_again_is_gone_everywhere(session: Session, workspace: WorkspaceId) -> None:
    life = _life(_part("r/1", "m", 1, "Words of weight."), _part("r/1", "m", 2, "~ok"))
    for event in life:
        put_lines(session.stores.objects, workspace, _lines(workspace, [event]))
        run_path(session, workspace)
    assert rows(session, workspace, "SELECT source_id FROM knowledge_documents") == []
    assert not any(indexed_ids(session, workspace, family) for family in Family)
    assert not [key for key in cache_keys(session, workspace) if not key.startswith("cache-generation:")]


# --- links and names ------------------------------------------------------------------------------------------------


def _evidence(session: Session, workspace: WorkspaceId) -> list[tuple[str, str, str]]:
    query = """SELECT r.type, substr(c.text, e.start_char + 1, e.end_char - e.start_char), e.quote
        FROM relationship_evidence e JOIN relationships r USING (relationship_id)
        JOIN knowledge_chunks c USING (chunk_id) WHERE e.until IS NULL AND e.field = ''"""
    return sorted((row[0], row[1], row[2]) for row in rows(session, workspace, query))


@pytest.mark.parametrize(
    "tail", ["", "\n", "   \n\n\n", " \0\ud83d"], ids=["bare", "line end", "blanks", "nul and half"]
)
def test_words_of_links_are_found_where_they_stand(session: Session, workspace: WorkspaceId, tail: str) -> None:
    words = [f"see \0 page-{number} \u05d0\U0001f6a2" for number in range(250)]
    sentences = [f"{prose(f'topic{number}', sentences=2)} Then {word}" for number, word in enumerate(words)]
    body = "\n\n".join(sentences) + tail
    links = [{**_reference(f"p{number}", word)} for number, word in enumerate(words)]
    pages = [_page(f"p{number}", 1, ".") for number in range(250)]
    _memory(session, workspace, _life(_page("a", 1, body, links=links), *pages))
    stored = [word.replace("\0", "\ufffd") for word in words]
    assert _evidence(session, workspace) == sorted(("REFERENCES", word, word) for word in stored)
    assert len(rows(session, workspace, "SELECT 1 FROM knowledge_chunks WHERE superseded_at IS NULL")) > 250


def test_words_that_run_over_the_end_of_a_chunk_are_quoted_up_to_it(session: Session, workspace: WorkspaceId) -> None:
    body = "\n\n".join(prose(f"topic{number}") for number in range(6))
    _memory(session, workspace, _life(_page("a", 1, body, links=[_reference("b", body)]), _page("b", 1)))
    ((_, words, quote),) = _evidence(session, workspace)
    assert body.startswith(quote)
    assert words.startswith(quote)
    assert len(quote) == 300


def test_a_document_links_to_itself_by_no_edge_and_a_blank_one_has_evidence_without_a_chunk(
    session: Session, workspace: WorkspaceId
) -> None:
    blank = _page("blank", 1, " ", links=[{"type": "RELATES_TO", "to": "document scripted:a", "field": "relations"}])
    _memory(session, workspace, _life(_page("a", 1, "See a.", links=[_reference("a", "a.")]), blank))
    found = rows(session, workspace, "SELECT r.type, e.chunk_id, e.quote FROM relationships r "
                                     "JOIN relationship_evidence e USING (relationship_id)")  # fmt: skip
    assert found == [("RELATES_TO", None, "")]


def test_names_that_no_database_can_keep_stop_nothing(session: Session, workspace: WorkspaceId) -> None:
    odd = "a\0\ud800"
    life = _life(
        _page(odd, 1, url=f"https://example.org/{odd}", handles=[odd], parent=odd, links=[_reference(odd, "words")]),
        _part(odd, odd, 1, odd + " of weight"),
        {"renames": [{"old": odd, "new": "b", "at": 5}]},
        {**_page("c", 1), "commit": {"store": odd, "after": odd, "delivery_id": odd}},
        {**_page("c", 2), "commit": {"store": odd, "after": odd, "delivery_id": odd}},
        _gone(odd, 3, odd),
    )
    _memory(session, workspace, life)
    assert statuses(session, workspace).keys() <= {"persisted", "skipped"}


def test_one_key_names_entities_of_several_kinds(session: Session, workspace: WorkspaceId) -> None:
    links = [{"type": "PART_OF", "to": f"{kind} same:key", "field": kind} for kind in ("team", "project", "goal")]
    links.append({"type": "ASSIGNED_TO", "to": "person same:key", "field": "assignee"})
    _memory(session, workspace, _life(_page("a", 1, links=links)))
    found = rows(session, workspace, "SELECT to_kind FROM relationships ORDER BY to_kind")
    assert found == [("goal",), ("person",), ("project",), ("team",)]


def test_who_is_split_off_under_a_login_is_meant_by_it(session: Session, workspace: WorkspaceId) -> None:
    link = {"type": "ASSIGNED_TO", "to": "person github-login:ada", "field": "assignee"}
    _memory(session, workspace, _life(_page("a", 1, links=[link]), {"accounts": ["github:7 Ada"]}))
    decide_identity(
        workspace, "split", names=("github:7", "github-login:ada"), decided_by="ben", reason="another",
        stores=session.stores,
    )  # fmt: skip
    assigned = "SELECT e.key FROM relationships r JOIN entities e ON e.entity_id = r.to_id WHERE r.type = 'ASSIGNED_TO'"
    assert rows(session, workspace, assigned) == [("github-login:ada",)]
    assert [reconcile_relationships(workspace, stores=session.stores).written for _ in range(3)] == [0, 0, 0]


def test_owners_that_are_named_twice_own_once(session: Session, workspace: WorkspaceId) -> None:
    rules = "/a.md @ada @ben @ada\n/a.md @ada @ben @ada\n/b.md @ada\n"
    pages = {"CODEOWNERS": rules, "a.md": "# A", "b.md": "# B"}
    _build(session, workspace, [page_event(workspace, key=p, path=p, content=c) for p, c in pages.items()])
    owned = """SELECT d.source_id, e.key FROM relationships r JOIN knowledge_documents d ON d.document_id = r.from_id
        JOIN entities e ON e.entity_id = r.to_id WHERE r.type = 'OWNED_BY' ORDER BY 1, 2"""
    ada, ben = "github-login:ada", "github-login:ben"
    assert rows(session, workspace, owned) == [
        ("handbook/a.md", ada),
        ("handbook/a.md", ben),
        ("handbook/b.md", ada),
    ]


def test_bytes_are_read_while_no_transaction_is_open(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_many = session.stores.objects.get_many
    held: list[int] = []

    def watched(keys: Sequence[str]) -> dict[str, bytes]:
        with session.stores.database.transaction(workspace) as tx:
            query = """SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'relation'
                AND a.state = 'idle in transaction' AND l.relation = 'source_events'::regclass"""
            held.append(tx.connection.exec_driver_sql(query).scalar_one())
        return get_many(keys)

    monkeypatch.setattr(session.stores.objects, "get_many", watched)
    _memory(session, workspace, _life(_page("a", 1)))
    assert len(held) >= 2
    assert set(held) == {0}


# --- the decisions --------------------------------------------------------------------------------------------------

_DESCRIPTIONS = st.builds(
    DescriptionRecord,
    event_key=st.sampled_from([f"e{number}" for number in range(12)]),
    as_of=st.integers(0, 5).map(hour),
    deletes=st.booleans(),
    content_hash=st.sampled_from("ab").map(ContentHash),
    raw_pointer=st.just("raw"),
    link_ids=st.sets(st.sampled_from("xyz"), max_size=3).map(lambda ids: tuple(sorted(ids))),
).map(lambda one: replace(one, content_hash=ContentHash("-"), link_ids=()) if one.deletes else one)
_HISTORIES = st.lists(_DESCRIPTIONS, min_size=1, max_size=8, unique_by=lambda one: one.event_key)


def _sorted(history: Sequence[DescriptionRecord]) -> list[DescriptionRecord]:
    """Sort without `rank`: by time, then drafts before deletions, then by key."""
    return sorted(sorted(history, key=lambda one: one.event_key), key=lambda one: (one.as_of, one.deletes))


@given(_HISTORIES)
@settings(max_examples=300, deadline=None)
def test_descriptions_decided_one_by_one_end_with_the_greatest(history: Sequence[DescriptionRecord]) -> None:
    stored: StoredDocument | None = None
    for one in (*history, *history):  # each is read again later, which must not bring it back
        outcome = decide(
            stored, content_hash=one.content_hash, as_of=one.as_of, event_key=one.event_key, deletes=one.deletes
        )
        if outcome is not Outcome.OUTDATED:
            stored = StoredDocument(one.content_hash, one.as_of, one.event_key, is_deleted=one.deletes)
    last = _sorted(history)[-1]
    assert stored == StoredDocument(last.content_hash, last.as_of, last.event_key, is_deleted=last.deletes)


@given(_HISTORIES)
@settings(max_examples=300, deadline=None)
def test_spans_of_links_versions_and_deletions_are_those_of_the_sorted_history(
    history: Sequence[DescriptionRecord],
) -> None:
    ordered = _sorted(history)
    for link, (since, until) in link_spans(history).items():
        stating = [number for number, one in enumerate(ordered) if link in one.link_ids]
        assert since == ordered[stating[0]].as_of
        rest = ordered[stating[-1] + 1 :]
        assert until == (rest[0].as_of if rest else None)
    assert set(link_spans(history)) == {link for one in history for link in one.link_ids}

    states = [(one.content_hash, one.deletes) for one in ordered]
    kept = [state for number, state in enumerate(states) if number == 0 or state != states[number - 1]]
    assert version_of(history) == len(kept)

    last_draft = max((number for number, one in enumerate(ordered) if not one.deletes), default=-1)
    deletions = ordered[last_draft + 1 :]
    assert gone_since(history) == (deletions[0].as_of if deletions else None)


@given(st.lists(_DESCRIPTIONS.map(lambda one: replace(one, part_id="p")), min_size=1, max_size=8))
def test_versions_of_a_document_of_parts_count_the_states_of_its_parts(history: Sequence[DescriptionRecord]) -> None:
    assert version_of(history) == len(Counter((one.content_hash, one.deletes) for one in history))


_NAMES = st.sampled_from(["a", "b", "c", "a/x", "b/x", "c/x", "a/x/y"])
_RENAMES = st.builds(Rename, source=st.just("scripted"), old=_NAMES, new=_NAMES, as_of=st.integers(0, 4).map(hour))


@given(st.lists(_RENAMES, max_size=5), _RENAMES, _NAMES, st.integers(0, 5).map(hour))
@settings(max_examples=500, deadline=None)
def test_whatever_a_new_rename_moves_is_kept_below_one_of_its_names(
    known: Sequence[Rename], new: Rename, name: str, as_of: datetime
) -> None:
    def called(renames: Sequence[Rename]) -> str:
        ordered = sorted(renames, key=lambda one: (one.as_of, one.old, one.new))
        return current_name("scripted", name + "#1", as_of=as_of, renames=ordered)

    before = called(known)
    moved = called([*known, new]) != before
    assert not moved or any(is_below(before, prefix) for prefix in later_names(new, known))

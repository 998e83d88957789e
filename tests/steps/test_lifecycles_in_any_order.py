"""Lives of documents end the same in every order of their events, and as a model that sorts them says."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from neural_memory_pipelines.domain.documents import Rename
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.renames import current_name
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps import persist

from .dumps import rows
from .life_events import Event, a_deletion, a_page, a_part, a_reference, a_room, memory_of
from .lives import LIVES
from .memory_state import difference
from .scripted import hour

pytestmark = pytest.mark.usefixtures("scripted_source")

_SHUFFLES = 3


def _require_any_order(
    session: Session, workspace: WorkspaceId, life: Sequence[Event], patch: pytest.MonkeyPatch, *, seed: int = 0
) -> dict[str, list[Any]]:
    """Require that a life ends the same in any order, in runs and transactions of any size; give how it ends."""
    expected = memory_of(session, workspace, life)
    generator = random.Random(seed)
    for number in range(_SHUFFLES):
        other = WorkspaceId(f"{workspace}-{number}")
        mixed = generator.sample(life, len(life))
        # The first time each event alone: every state that can be seen on the way is seen.
        runs = len(mixed) if number == 0 else generator.choice([1, 2])
        with patch.context() as sizes:
            sizes.setattr(persist, "_EVENTS_PER_TRANSACTION", generator.choice([1, 2, 64]))
            memory = memory_of(session, other, *(mixed[run::runs] for run in range(runs)))
        assert difference(expected, memory) == {}, [mixed[run::runs] for run in range(runs)]
    return expected


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
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


def _made_up(generator: random.Random) -> Iterator[Event]:  # noqa: C901 - a branch for each kind of event
    """Make up pages with parents that are changed, deleted, restored and renamed, and threads in a room."""
    names = ("a/1", "a/2", "a/1/c", "b/1", "b/1/c")
    texts = ("Plain words here.", "See two and three now.", "Another text about two.")
    targets = {"two": "a/2", "three": "b/1"}

    def page() -> dict[str, Any]:
        name, text = generator.choice(names), generator.choice(texts)
        links: list[dict[str, Any]] = [
            a_reference(target, words) for words, target in targets.items() if words in text
        ]  # fmt: skip
        if generator.random() < 0.4:
            team = {"type": "PART_OF", "to": f"team t:{generator.choice('pq')}", "field": "team"}
            links.append({**team, "name": generator.choice(["Alpha", "Zeta"])})
        fields = {"links": links, "occurred": generator.randint(1, 9), "observes": [text][: generator.randint(0, 1)]}
        if name.endswith("/c"):
            fields["parent"] = name.removesuffix("/c")
        if generator.random() < 0.4:
            fields["author"] = generator.choice(["github:7 Ada", "github:7 Ada!", "github:8 Ben"])
        return a_page(name, generator.randint(1, 9), text, **fields)

    def message() -> dict[str, Any]:
        text = generator.choice(["Words of weight.", "See #a/2 for more.", "~ok", None])
        return a_part(generator.choice(["r/1", "r/2"]), generator.choice("mno"), generator.randint(1, 9), text)

    for number in range(generator.randint(8, 18)):
        kind = generator.choice(["page", "page", "page", "gone", "message", "message", "room", "rename"])
        says: dict[str, Any]
        match kind:
            case "page":
                says = page()
            case "gone":
                says = a_deletion(generator.choice(names), generator.randint(1, 9), generator.choice(["one", "other"]))
            case "message":
                says = message()
            case "room":
                content = generator.choice([{"room": "till"}, {"room": "pier", "privacy": "private"}])
                says = a_room(generator.randint(1, 9), **content)
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

"""Lives of documents, threads and names that end the same in every order of their events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .life_events import Event, a_deletion, a_life, a_page, a_part, a_reference, a_room

_PARENT_AND_CHILD = ("a", "a/b", "a/b/c")


def life_of_a_family() -> list[Event]:
    """A parent with a child and a grandchild: deleted, restored, deleted twice for different reasons."""
    a, b, c = _PARENT_AND_CHILD
    return a_life(
        a_page(a, 1, links=[]),
        a_page(b, 2, parent=a),
        a_page(c, 3, "See a there.", parent=b, links=[a_reference(a, "a there")]),
        a_deletion(a, 4, "one reason"),
        a_page(a, 5),
        a_deletion(a, 6, "another reason"),
        a_deletion(a, 7, "a third reason"),
        a_page(c, 8, "Changed while its parents were gone.", parent=b),
    )


def life_of_a_restored_family() -> list[Event]:
    return [*life_of_a_family(), ("z", 9, a_page("a", 9))]


def life_of_a_thread() -> list[Event]:
    """Messages edited, deleted before they came, trivial again; a room that is renamed and turns private."""
    return a_life(
        a_part("r/1", "m1", 1, "See #x for more."),
        a_part("r/1", "m2", 2, "Words of weight."),
        a_part("r/1", "m1", 3, "See #y instead."),
        a_part("r/1", "m2", 4, None),
        a_part("r/2", "m3", 5, "Only to become trivial."),
        a_part("r/2", "m3", 6, "~ok"),
        a_part("r/3", "m4", 7, None),
        a_part("r/3", "m4", 6, "Deleted before it came."),
        a_room(2, room="till"),
        a_room(5, room="pier", privacy="private"),
        a_page("x", 1),
        a_page("y", 1),
    )


def life_of_a_closed_room() -> list[Event]:
    return [*life_of_a_thread(), ("z", 9, a_room(9, closed=True))]


def life_of_names() -> list[Event]:
    """Names handed round: a to b to c and back to a; a freed name that is used again; a child elsewhere."""
    renames = [("a", "b", 2), ("b", "c", 4), ("c", "a", 6), ("d", "e", 3), ("e", "f", 5), ("d", "e", 7)]
    return [
        *a_life(
            a_page("a/1", 1), a_page("b/1", 3), a_page("c/1", 5, "Changed words."), a_page("a/1", 7, "The last words."),
            a_page("d/1", 1), a_page("d/1", 6), a_page("e/1", 4), a_page("e/1", 8), a_deletion("f/2", 9),
            a_page("d/2", 2), a_page("g", 2, parent="d/1"),
        ),
        *((f"r{number}", number, {"renames": [{"old": old, "new": new, "at": at}]})
          for number, (old, new, at) in enumerate(renames)),
    ]  # fmt: skip


def life_of_names_of_things() -> list[Event]:
    """A team changes its name, a person turns out to be a bot, a login is all that is known of somebody at first."""

    def team(at: float, name: str) -> dict[str, Any]:
        links = [
            {"type": "PART_OF", "to": "team linear:t", "field": "team", "name": name},
            {"type": "ASSIGNED_TO", "to": "person github-login:ben", "field": "assignees"},
        ]
        return a_page("a", at, links=links, author="github:7 Ada", occurred=9 - at)

    return a_life(
        team(1, "Zeta"),
        team(2, "Alpha"),
        {"accounts": ["github:8 Ben"]},
        {"accounts": ["github:7 Ada!"]},
        a_page("b", 3, author="github:7 Ada!"),
    )


def life_of_handles() -> list[Event]:
    """Two documents answer to one handle; the one that answered last is deleted; who is called so comes first."""
    return a_life(
        a_page("a", 1, "See one and b there.", links=[a_reference("one", "one"), a_reference("b", "b there")]),
        a_page("b", 2, handles=["scripted:one"]),
        a_page("c", 3, handles=["scripted:one", "scripted:b"]),
        a_deletion("c", 4),
        a_page("d", 2, handles=["scripted:b"]),
        a_page("b", 1, handles=[]),
    )


def life_of_pushes() -> list[Event]:
    """One push told twice, and one delivery with two contents: in every order the same one of them counts."""

    def push(name: str, after: str, delivery: str | None = None) -> dict[str, Any]:
        commit = {"store": "s", "after": after, "before": "0", "delivery_id": delivery}
        return {**a_page(name, 1, f"By {after}."), "commit": commit}

    return a_life(push("a", "c1"), push("b", "c1"), push("c", "c2", "d1"), push("d", "c3", "d1"), push("a", "c4"))


def life_of_equal_times() -> list[Event]:
    """A webhook and a REST object tell of one state, as of one time; an event tells of one document twice."""
    twice = {"docs": [{"id": "b", "at": 4, "text": "Later."}, {"id": "b", "at": 2, "text": "Earlier."}]}
    return a_life(
        a_page("a", 1, "By webhook."),
        a_page("a", 1, "By REST, with more."),
        a_deletion("a", 1),
        a_page("b", 3, "Between."),
        twice,
    )


LIVES: Sequence[Callable[[], list[Event]]] = (
    life_of_a_family,
    life_of_a_restored_family,
    life_of_a_thread,
    life_of_a_closed_room,
    life_of_names,
    life_of_names_of_things,
    life_of_handles,
    life_of_pushes,
    life_of_equal_times,
)

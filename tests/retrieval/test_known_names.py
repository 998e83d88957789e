"""Who of a workspace a query names, through all that its persons and things answer to."""

from __future__ import annotations

import pytest

from neural_memory_pipelines.domain.accounts import hash_email
from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.bulk import Row
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.entities import write_aliases, write_entities
from neural_memory_pipelines.stores.postgres.known_names import authors_named, named_entities

_ADDRESS = "ada@example.com"


def _entity(workspace: str, key: str, name: str, *, kind: str = "person", merged_into: str | None = None) -> Row:
    return {
        "entity_id": f"{workspace}-{key}",
        "kind": kind,
        "key": key,
        "name": name,
        "merged_into": f"{workspace}-{merged_into}" if merged_into else None,
        "merged_because": None,
    }


def _alias(workspace: str, alias_type: str, value: str, key: str) -> Row:
    return {"alias_type": alias_type, "value": value, "entity_id": f"{workspace}-{key}", "verified": True}


def write_known(tx: Transaction) -> None:
    """Write persons, one of them with two accounts, and things, as the graph does."""
    name = tx.workspace_id
    write_entities(
        tx,
        [
            _entity(name, "ada", "Ad\u00e9la Nov\u00e1k"),
            _entity(name, "ada-git", "A. Novak", merged_into="ada"),
            _entity(name, "bob-1", "Bob Ray"),
            _entity(name, "bob-2", "Bob Lee"),
            _entity(name, "bot", "shop-bot[bot]", kind="bot"),
            _entity(name, "till", "Till service", kind="component"),
            _entity(name, "shop", "acme/shop", kind="repository"),
        ],
    )
    write_aliases(
        tx,
        [
            _alias(name, "provider", "github:7", "ada"),
            _alias(name, "login", "github-login:anovak", "ada"),
            _alias(name, "email", f"email:{hash_email(_ADDRESS)}", "ada"),
            _alias(name, "name", "ad\u00e9la nov\u00e1k", "ada"),
            # A merged account may keep an alias until the graph is resolved again.
            _alias(name, "name", "a. novak", "ada-git"),
            _alias(name, "login", "slack-login:shop-bot[bot]", "bot"),
            _alias(name, "component", "component:till service", "till"),
            _alias(name, "repository", "github:acme/shop", "shop"),
        ],
    )


@pytest.fixture
def known(stores: Stores, workspace: WorkspaceId) -> WorkspaceId:
    with stores.database.transaction(workspace) as tx:
        write_known(tx)
    return workspace


def told(stores: Stores, workspace: WorkspaceId, query: str) -> list[tuple[str, str, str, bool]]:
    with stores.database.transaction(workspace) as tx:
        found = named_entities(tx, query)
    return [(query[one.start : one.end], one.kind, one.name, one.is_only_a_name) for one in found]


@pytest.mark.parametrize(
    "words", ["Ad\u00e9la Nov\u00e1k", "adela novak", "@anovak", "anovak", "Adela", "A. Novak", "ADA@example.com"]
)
def test_a_person_is_named_in_many_ways(stores: Stores, known: WorkspaceId, words: str) -> None:
    assert told(stores, known, f"did {words} fix the lane") == [(words, "person", "Ad\u00e9la Nov\u00e1k", True)]


def test_things_are_named_and_stay_in_the_query(stores: Stores, known: WorkspaceId) -> None:
    assert told(stores, known, "till  service in shop, acme/shop") == [
        ("till  service", "component", "Till service", False),
        ("shop", "repository", "acme/shop", False),
        ("acme/shop", "repository", "acme/shop", False),
    ]


def test_a_first_name_of_two_names_nobody(stores: Stores, known: WorkspaceId) -> None:
    assert told(stores, known, "did Bob fix the lane of Bob Lee") == [("Bob Lee", "person", "Bob Lee", True)]


def test_a_workspace_knows_its_own_people_alone(stores: Stores, known: WorkspaceId) -> None:
    assert told(stores, WorkspaceId(f"{known}-other"), "Ad\u00e9la Nov\u00e1k of acme/shop") == []


def test_a_query_without_words_asks_nothing(stores: Stores, known: WorkspaceId) -> None:
    assert told(stores, known, "?! ...") == []


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("@anovak", ["ada"]),
        ("Adela Novak", ["ada"]),
        ("adela", ["ada"]),
        ("a. novak", ["ada"]),
        (f"email:{hash_email(_ADDRESS)}", ["ada"]),
        ("bob", ["bob-1", "bob-2"]),
        ("shop-bot[bot]", ["bot"]),
    ],
)
def test_authors_of_a_filter_are_found(stores: Stores, known: WorkspaceId, author: str, expected: list[str]) -> None:
    with stores.database.transaction(known) as tx:
        assert sorted(authors_named(tx, [author])) == [EntityId(f"{known}-{key}") for key in expected]


@pytest.mark.parametrize(
    ("author", "hint"),
    [
        ("@adella", "did you mean Ad\u00e9la Nov\u00e1k"),
        ("bob rai", "did you mean Bob Ray"),
        ("acme/shop", "persons list"),
        ("zzz", "persons list"),
        (f"email:{hash_email('nobody@example.com')}", "nobody with this e-mail address"),
    ],
)
def test_an_author_whom_nobody_knows_is_refused_with_near_names(
    stores: Stores, known: WorkspaceId, author: str, hint: str
) -> None:
    with stores.database.transaction(known) as tx, pytest.raises(NotFoundError, match=hint):
        authors_named(tx, ["@anovak", author])


def test_no_author_is_none(stores: Stores, known: WorkspaceId) -> None:
    with stores.database.transaction(known) as tx:
        assert authors_named(tx, []) == ()


def test_the_keys_of_names_are_spelled_alike_in_the_query_and_in_the_rows(
    stores: Stores, workspace: WorkspaceId
) -> None:
    spelled = [
        "\u0130nci \u00d6z",
        "O\u0394YSSEUS \u03a3OFO\u03a3",
        "Stra\u00dfe Gro\u00df",
        "\u017bo\u0142nierz \u0141",
        "\u5f35 \u5049",
    ]
    with stores.database.transaction(workspace) as tx:
        write_entities(tx, [_entity(workspace, str(number), name) for number, name in enumerate(spelled)])
        for number, name in enumerate(spelled):
            found = [one.entity_id for one in named_entities(tx, f"the lane of {name}")]
            assert found == [f"{workspace}-{number}"]

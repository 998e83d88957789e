"""A question is taken apart by what the workspace knows, before anything is searched."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.query_filters import read_filters
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.retrieval.answers import SearchRequest
from neural_memory_pipelines.retrieval.understanding import Understood, understand
from neural_memory_pipelines.stores.postgres.admitted import admitted_if_few
from tests.retrieval.searched import World
from tests.steps.asking import NOW


def _understood(world: World, question: str, **options: object) -> Understood:
    with world.session.stores.database.transaction(world.workspace) as tx:
        return understand(tx, SearchRequest(question, **options), now=NOW)  # type: ignore[arg-type] # options of any kind


def _admitted(world: World, understood: Understood) -> set[str]:
    with world.session.stores.database.transaction(world.workspace) as tx:
        query = f"SELECT source_id FROM knowledge_documents d WHERE {understood.condition}"
        return set(tx.connection.scalars(text(query), dict(understood.values)))


def test_a_plain_question_lets_all_through_that_all_may_read(world: World) -> None:
    understood = _understood(world, "where do carts go")
    assert not understood.is_narrow
    assert not understood.names_things_alone
    assert understood.where == {"privacy": "org"}
    every = {key for (key,) in world.sql("SELECT source_id FROM knowledge_documents WHERE privacy = 'org'")}
    assert _admitted(world, understood) == every


def test_who_may_read_private_things_has_no_such_condition(world: World) -> None:
    understood = _understood(world, "where do carts go", include_private=True)
    assert understood.where == {}
    ((count,),) = world.sql("SELECT count(*) FROM knowledge_documents")
    assert len(_admitted(world, understood)) == count


@pytest.mark.parametrize(
    ("question", "where"),
    [
        ("x source:github", {"source": "github"}),
        ("x type:pr source:github", {"source": "github", "type": "pull_request"}),
        ("x source:github,slack", {}),
        ("x author:ada after:2026", {}),
    ],
)
def test_an_index_is_asked_for_what_it_can_filter_by(world: World, question: str, where: dict[str, str]) -> None:
    understood = _understood(world, question)
    assert understood.where == {"privacy": "org", **where}
    assert understood.is_narrow


def test_filters_and_phrases_are_all_in_the_condition(world: World) -> None:
    assert _admitted(world, _understood(world, 'of "guests" source:github author:ada')) == {"acme/shop#1"}
    assert _admitted(world, _understood(world, '"nightly job" "of guests"')) == {"acme/shop#1"}
    assert _admitted(world, _understood(world, '"nightly job" "northern pier"')) == set()
    assert _understood(world, '"nightly job"').is_narrow
    assert not _understood(world, '"nightly job"', reads_filters=False).is_narrow


def test_of_many_phrases_the_first_ten_count(world: World) -> None:
    many = " ".join(f'"nightly job" "guests {n}"' for n in range(300))
    understood = _understood(world, many)
    assert understood.query.phrases == ("nightly job", *(f"guests {n}" for n in range(9)))
    assert "guests 299" in understood.query.text
    assert _admitted(world, understood) == set()


@pytest.mark.parametrize("author", ["a\x00da", "\ud800", "ad'a\\"])
def test_an_author_whom_nobody_can_be_called_is_refused_as_any_other(world: World, author: str) -> None:
    filters = read_filters([("author", author)], sources=("github",), now=NOW)
    with pytest.raises(NotFoundError, match="knows no author"):
        _understood(world, "carts", filters=filters)


def test_people_are_named_and_left_out_of_the_meaning(world: World) -> None:
    understood = _understood(world, "what did @cleo say of the boiler")
    assert [(one.kind, one.name) for one in understood.named] == [("person", "cleo")]
    assert understood.meaning == "what did say of the boiler"
    assert understood.query.text == "what did @cleo say of the boiler"


def test_identifiers_name_documents_and_what_belongs_to_them(world: World) -> None:
    understood = _understood(world, "show me acme/shop#3")
    assert understood.names_things_alone
    named = {one.document_id: one.is_below for one in understood.identified}
    assert named == {
        world.document("github", "acme/shop#3"): False,
        world.document("github", "acme/shop#3/comment/31"): True,
    }
    assert not _understood(world, "the boiler of acme/shop#3").names_things_alone
    assert not _understood(world, "#4711").names_things_alone


def test_an_author_whom_nobody_knows_is_refused(world: World) -> None:
    with pytest.raises(NotFoundError, match="zoe"):
        _understood(world, "carts author:zoe")


def test_few_documents_are_listed_and_many_are_not(world: World) -> None:
    understood = _understood(world, "x source:github")
    with world.session.stores.database.transaction(world.workspace) as tx:
        found = [
            admitted_if_few(tx, condition=understood.condition, values=understood.values, most=most)
            for most in (3, 4, 200)
        ]
    assert found[0] is None
    assert found[1] is not None
    assert sorted(found[1]) == sorted(found[2] or [])
    assert len(found[1]) == 4

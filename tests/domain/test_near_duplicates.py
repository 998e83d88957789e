"""Near-duplicates: what is one, what never is, what becomes of the rest, and the laws that hold for all texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.documents import ObservationDraft, Privacy
from neural_memory_pipelines.domain.near_duplicates import SUBJECT_REFS_LIMIT, collapse

START = datetime(2026, 6, 1, tzinfo=UTC)
PROSE = (
    "the receiver writes every event to an inbox table before it answers so that a lost queue loses little and the "
    "dispatcher reads from that table in order of arrival while a sweeper removes what was delivered after a week "
    "which keeps the table small and the index warm"
)
WORDS = PROSE.split()


def observation(text: str, *, day: int = 0, **said: Any) -> ObservationDraft:
    return ObservationDraft(text=text, occurred_at=START + timedelta(days=day), **said)


def kept(*texts: str) -> list[str]:
    return [found.text for found in collapse([observation(text) for text in texts])]


def with_word(word: str, at: int, *, instead: bool = False) -> str:
    return " ".join([*WORDS[:at], word, *WORDS[at + instead :]])


class TestWhatIsTheSame:
    def test_texts_that_differ_in_markup_case_and_white_space(self) -> None:
        assert kept("We **will** use `Postgres`.", "we will\n use  _postgres_") == ["We **will** use `Postgres`."]

    def test_long_texts_that_differ_in_a_word(self) -> None:
        assert len(WORDS) > 40
        longer = with_word("afterwards", 25, instead=True)
        assert kept(PROSE, longer) == [longer]

    def test_a_text_that_is_inside_another(self) -> None:
        part = " ".join(WORDS[4:18])
        assert kept(part, f"Decision: {PROSE}") == [f"Decision: {PROSE}"]

    def test_a_part_that_ends_beside_a_number_of_the_whole(self) -> None:
        assert kept("Use version 2.4", "We agreed. Use version 2.4 from today.") == [
            "We agreed. Use version 2.4 from today."
        ]

    def test_of_texts_of_one_length_the_first_stays(self) -> None:
        assert kept("Move it to Redis!", "move it to redis.") == ["Move it to Redis!"]

    def test_invisible_characters_and_kinds_of_apostrophes_make_no_difference(self) -> None:
        assert len(kept("We don't re\u00adtry it", "we don\u2019t retry\ufeff it")) == 1


class TestWhatIsNot:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("5", "6"),
            ("2.4.0", "2.4.1"),
            ("v2", "v3"),
            ("1,842", "1842"),
            ("5ms", "5s"),
            ("$5", "€5"),
            ("-5", "5"),
            ("< 5", "> 5"),
            ("5%", "5"),
            ("\u0665", "\u0666"),
            ("two", "three"),
            ("HAR-12", "HAR-13"),
            ("2026-06-11", "2026-06-12"),
        ],
    )
    def test_texts_that_differ_in_a_number(self, one: str, other: str) -> None:
        assert len(kept(with_word(one, 20), with_word(other, 20))) == 2
        assert len(kept(with_word(one, 20), PROSE)) == 2

    @pytest.mark.parametrize(
        "word", ["not", "no", "never", "without", "don't", "Isn\u2019t", "cannot", "**not**", "_no_"]
    )
    def test_texts_of_which_one_has_a_negation(self, word: str) -> None:
        assert len(kept(with_word(word, 20), PROSE)) == 2

    def test_a_part_that_the_whole_denies(self) -> None:
        assert (
            len(kept("we will use Redis for the queue", "it was never said that we will use Redis for the queue")) == 2
        )

    def test_a_negation_or_a_number_that_moved(self) -> None:
        more = " ".join(f"{word}ly" for word in WORDS)
        for word in ("not", "5"):
            assert len(kept(f"{with_word(word, 10)} {more}", f"{with_word(word, 30)} {more}")) == 2
            outer = f"1 2 {more} 3 4"
            assert len(kept(f"1 2 {with_word(word, 10)} {outer}", f"1 2 {with_word(word, 30)} {outer}")) == 2

    def test_texts_of_one_length_of_which_one_has_all_words_of_the_other(self) -> None:
        assert len(kept("use the inbox table!!!!!!!", "use the inbox table for it")) == 2
        assert len(kept("use the inbox table for it", "use the inbox table!!!!!!!")) == 2

    def test_numbers_that_changed_places(self) -> None:
        assert len(kept(f"{PROSE} from 5 to 10", f"{PROSE} from 10 to 5")) == 2

    def test_short_texts_that_differ_in_a_word(self) -> None:
        assert len(kept("Decision: we use Redis", "Decision: we use Kafka")) == 2

    @pytest.mark.parametrize(("one", "other"), [("\U0001f44d", "\U0001f44e"), ("!", "?"), ("", "."), ("कि", "का")])
    def test_texts_without_words_or_with_marks(self, one: str, other: str) -> None:
        assert len(kept(one, other)) == 2

    def test_texts_that_a_chain_of_others_connects(self) -> None:
        steps = [" ".join([*WORDS[shift:], *(f"{word}ly" for word in WORDS[:shift])]) for shift in range(0, 40, 2)]
        found = kept(*steps)
        assert 1 < len(found) < len(steps)


class TestWhatBecomesOfTheRest:
    def test_what_is_said_of_all_is_kept(self) -> None:
        shorter = observation(
            "Use the inbox table",
            day=1,
            title="Short",
            tags=("decision", "rfc"),
            subject_refs=("a#1", "a#2"),
            importance_factors={"base": 0.3, "volume": 0.0},
            privacy=Privacy.PRIVATE,
        )
        longer = observation(
            "Decision: use the inbox table.",
            day=2,
            title="Long",
            summary="The table.",
            tags=("bug", "decision"),
            subject_refs=("a#1", "a#3"),
            importance_factors={"base": 0.1, "volume": 0.2, "org": 0.1},
        )
        assert collapse([shorter, longer]) == (
            observation(
                "Decision: use the inbox table.",
                day=1,
                title="Long",
                summary="The table.",
                tags=("decision", "rfc", "bug"),
                subject_refs=("a#1", "a#2", "a#3"),
                importance_factors={"base": 0.3, "volume": 0.2, "org": 0.1},
                privacy=Privacy.PRIVATE,
            ),
        )

    def test_references_are_at_most_so_many(self) -> None:
        refs = [tuple(f"{name}#{number}" for number in range(30)) for name in "ab"]
        (found,) = collapse([observation("same", subject_refs=of_one) for of_one in refs])
        assert found.subject_refs == (*refs[0], *refs[1])[:SUBJECT_REFS_LIMIT]

    def test_groups_stand_in_the_order_of_their_first_members(self) -> None:
        assert kept("use it now", "other words here", "please use it now", "more words there") == [
            "please use it now",
            "other words here",
            "more words there",
        ]

    def test_nothing_becomes_nothing(self) -> None:
        assert collapse([]) == ()


_VOCABULARY = [*WORDS[:12], "not", "5", "6", "don't", "👍", "_", "-"]
_TEXTS = st.lists(st.sampled_from(_VOCABULARY), max_size=12).map(" ".join) | st.builds(
    with_word, st.sampled_from([*_VOCABULARY, "x y z"]), st.integers(0, len(WORDS)), instead=st.booleans()
)
_OBSERVATIONS = st.lists(
    st.builds(
        observation,
        _TEXTS | st.text(max_size=30),
        day=st.integers(0, 5),
        tags=st.lists(st.sampled_from("abc"), unique=True).map(tuple),
        subject_refs=st.lists(st.sampled_from([f"r{number}" for number in range(40)]), unique=True).map(
            lambda refs: tuple(refs[:SUBJECT_REFS_LIMIT])
        ),
        importance_factors=st.dictionaries(st.sampled_from("xyz"), st.floats(0, 1)),
        privacy=st.sampled_from(Privacy),
    ),
    max_size=12,
)
_MANY = settings(max_examples=150, deadline=None)


class TestLaws:
    @_MANY
    @given(_OBSERVATIONS)
    def test_twice_is_once(self, observations: list[ObservationDraft]) -> None:
        once = collapse(observations)
        assert collapse(once) == once

    @_MANY
    @given(_OBSERVATIONS)
    def test_nothing_that_was_said_of_an_observation_is_lost(self, observations: list[ObservationDraft]) -> None:
        found = collapse(observations)
        texts = [one.text for one in observations]
        assert all(one.text in texts for one in found)
        assert {tag for one in found for tag in one.tags} == {tag for one in observations for tag in one.tags}
        assert all(len(one.subject_refs) <= SUBJECT_REFS_LIMIT for one in found)
        earliest = [min((one.occurred_at for one in group), default=None) for group in (found, observations)]
        assert earliest[0] == earliest[1]
        greatest = [_greatest(group) for group in (found, observations)]
        assert greatest[0] == greatest[1]

    @_MANY
    @given(_OBSERVATIONS)
    def test_saying_all_of_it_again_changes_no_text(self, observations: list[ObservationDraft]) -> None:
        found = [one.text for one in collapse(observations)]
        assert len(set(found)) == len(found)
        doubled = [one.text for one in collapse([*observations, *observations])]
        assert doubled == found

    @_MANY
    @given(_OBSERVATIONS)
    def test_all_numbers_and_negations_are_still_there(self, observations: list[ObservationDraft]) -> None:
        said = {_critical(one.text) for one in observations}
        assert {_critical(one.text) for one in collapse(observations)} == said

    @_MANY
    @given(st.lists(_TEXTS, max_size=8, unique=True))
    def test_what_stays_is_not_alike_as_a_plain_reading_of_the_rule_tells(self, texts: list[str]) -> None:
        plain = [text for text in texts if not _critical(text) and re.search("[a-z]", text)]
        found = kept(*plain)
        for one, other in combinations(found, 2):
            shorter, longer = sorted((one, other), key=len)
            assert not _alike(_shingles(shorter), _shingles(longer), inside=len(shorter) < len(longer))
        for dropped in set(plain) - set(found):
            others = [text for text in found if len(text) >= len(dropped)]
            assert any(_alike(_shingles(dropped), _shingles(text), inside=len(dropped) < len(text)) for text in others)

    def test_a_long_document_that_repeats_itself_is_read_in_bounded_time(self) -> None:
        template = " ".join(f"{word}{'x' * shift}" for shift in range(5) for word in WORDS)
        observations = [observation(f"{template} run {number}") for number in range(2_000)]
        assert len(collapse(observations)) == 2_000

    @pytest.mark.parametrize(
        "unit", ["a", "1", "<", "-", "'", "a'", "5.", "5,-", "n't ", "_", "\u0300", "=1 ", "\n", "a-"]
    )
    def test_hostile_texts_are_read_in_linear_time(self, unit: str) -> None:
        text = unit * (500_000 // len(unit))
        assert len(kept(text, text)) == 1


def _greatest(observations: Sequence[ObservationDraft]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, term in (item for one in observations for item in one.importance_factors.items()):
        found[name] = max(found.get(name, 0.0), term)
    return found


def _critical(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"(?<!\w)(?:not|don't)(?!\w)|\d+", text.lower()))


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+|👍", text)
    width = min(3, len(words))
    return {tuple(words[at : at + width]) for at in range(len(words) - width + 1)}


def _alike(shorter: set[tuple[str, ...]], longer: set[tuple[str, ...]], *, inside: bool) -> bool:
    shared = len(shorter & longer)
    return shared / len(shorter | longer) >= 0.85 or (inside and shared / len(shorter) >= 0.95)

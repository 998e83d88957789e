"""Settings of consolidation, when nights begin, and the windows of time that observations fall into."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.consolidation import (
    DEFAULT_CONSOLIDATION,
    ConsolidationSettings,
    Observed,
    entity_windows,
    latest_night,
    read_consolidation,
    topic_windows,
    with_setting,
)
from neural_memory_pipelines.domain.ids import ObservationId
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.steps.consolidation.due import next_night

DAY = timedelta(days=1)
START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Tokyo",
)
moments = st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
nights = st.builds(
    ConsolidationSettings, timezone=st.sampled_from(ZONES), night_at=st.times().map(lambda at: f"{at:%H:%M}")
)


def _night(zone: str, night_at: str, now: str) -> str:
    settings = ConsolidationSettings(timezone=zone, night_at=night_at)
    return f"{latest_night(settings, datetime.fromisoformat(now)):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("zone", "night_at", "now", "expected"),
    [
        ("UTC", "02:00", "2026-11-22T02:00+00:00", "2026-11-22 02:00"),
        ("UTC", "02:00", "2026-11-22T01:59+00:00", "2026-11-21 02:00"),
        ("Asia/Tokyo", "02:00", "2026-11-22T17:00+00:00", "2026-11-22 17:00"),
        ("America/New_York", "23:30", "2026-11-22T04:31+00:00", "2026-11-22 04:30"),
        ("Europe/Berlin", "02:00", "2026-11-22T02:00+01:00", "2026-11-22 01:00"),
        # Berlin skips 02:00-03:00 on 2026-03-29, and has 02:00-03:00 twice on 2026-10-25.
        ("Europe/Berlin", "02:30", "2026-03-29T12:00+00:00", "2026-03-29 01:30"),
        ("Europe/Berlin", "02:30", "2026-10-25T00:29+00:00", "2026-10-24 00:30"),
        ("Europe/Berlin", "02:30", "2026-10-25T00:30+00:00", "2026-10-25 00:30"),
        ("Europe/Berlin", "02:30", "2026-10-25T12:00+00:00", "2026-10-25 00:30"),
    ],
)
def test_a_night_begins_at_the_local_time_of_its_day(zone: str, night_at: str, now: str, expected: str) -> None:
    assert _night(zone, night_at, now) == expected


@given(nights, moments)
def test_nights_follow_each_other_about_a_day_apart(settings: ConsolidationSettings, now: datetime) -> None:
    before, after = latest_night(settings, now), next_night(settings, now)
    assert before <= now < after
    assert latest_night(settings, before) == before
    assert latest_night(settings, after - timedelta(microseconds=1)) == before, "no night lies between"
    assert timedelta(hours=22) <= after - before <= timedelta(hours=50), "Apia once left a day out"


@given(nights, moments, st.sampled_from(ZONES))
def test_a_night_does_not_depend_on_how_the_moment_is_spelled(
    settings: ConsolidationSettings, now: datetime, zone: str
) -> None:
    assert latest_night(settings, now.astimezone(ZoneInfo(zone))) == latest_night(settings, now)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("colour", "blue", "there is no setting 'colour'; there are timezone"),
        ("timezone", "Mars/North", "there is no zone 'Mars/North'"),
        ("timezone", "../etc", "there is no zone"),
        ("timezone", "", "there is no zone"),
        ("night_at", "25:00", "expected a time of day"),
        ("least_members", "0", "expected 1 to 1000000"),
        ("least_members", "2.5", "expected a number"),
        ("pool_share", "3", "expected 0 to 2"),
        ("drift_cosine", "nan", "expected 0 to 2"),
        ("keep_hot", "yes", "expected true or false"),
    ],
)
def test_what_a_setting_cannot_be_is_refused_by_name(name: str, value: str, why: str) -> None:
    with pytest.raises(PermanentError, match=why):
        with_setting(DEFAULT_CONSOLIDATION, name, value)


def test_settings_are_kept_where_they_differ_and_read_back() -> None:
    settings = with_setting(DEFAULT_CONSOLIDATION, "timezone", " Europe/Berlin ")
    settings = with_setting(with_setting(settings, "keep_hot", "TRUE"), "night_at", "2:05".rjust(5, "0"))
    assert settings.spelled() == {"timezone": "Europe/Berlin", "night_at": "02:05", "keep_hot": True}
    assert read_consolidation(settings.spelled()) == settings
    assert read_consolidation({"of_a_later_version": 1}) == DEFAULT_CONSOLIDATION
    for name, value in asdict(DEFAULT_CONSOLIDATION).items():
        assert with_setting(DEFAULT_CONSOLIDATION, name, str(value)) == DEFAULT_CONSOLIDATION


def test_every_setting_has_a_sentence() -> None:
    told = ConsolidationSettings.__doc__ or ""
    assert [field.name for field in fields(ConsolidationSettings) if f"{field.name}: " not in told] == []


def _observed(*days: float) -> list[Observed]:
    return [Observed(ObservationId(f"obs_{day}"), START + day * DAY) for day in days]


def _members(windows: list[object]) -> list[list[str]]:
    return [[key.removeprefix("obs_") for key in window.members] for window in windows]  # type: ignore[attr-defined]  # of a Window


def test_an_active_week_is_a_window_and_other_weeks_are_gathered() -> None:
    found = entity_windows(_observed(0, 1, 2, 15, 22, 29), DEFAULT_CONSOLIDATION)
    assert [window.end - window.start for window in found] == [7 * DAY, 30 * DAY]
    assert _members([*found]) == [["0", "1", "2"], ["15", "22", "29"]]


def test_what_is_too_little_gives_no_window_and_a_small_topic_gives_one() -> None:
    assert entity_windows(_observed(0, 1), DEFAULT_CONSOLIDATION) == []
    assert topic_windows([], DEFAULT_CONSOLIDATION) == []
    (window,) = topic_windows(_observed(0, 1), DEFAULT_CONSOLIDATION)
    assert window.start == START


def test_a_topic_is_split_from_its_first_observation_on_and_a_rest_joins_its_neighbour() -> None:
    split = topic_windows(_observed(0, 1, 2, 100, 101, 102), DEFAULT_CONSOLIDATION)
    assert _members([*split]) == [["0", "1", "2"], ["100", "101", "102"]]
    joined = topic_windows(_observed(0, 1, 2, 89, 91), DEFAULT_CONSOLIDATION)
    assert _members([*joined]) == [["0", "1", "2", "89", "91"]], "both sides of what was soon reversed"


days = st.lists(st.floats(0, 1_000, allow_nan=False).map(lambda day: round(day, 3)), unique=True, max_size=40)


@given(days, st.integers(1, 5), st.randoms())
def test_no_observation_is_lost_or_doubled_and_order_does_not_matter(
    given_days: list[float], least: int, chance: object
) -> None:
    settings = replace(DEFAULT_CONSOLIDATION, least_members=least)
    observed = _observed(*given_days)
    shuffled = list(observed)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis types it as object
    of_topic, of_entity = topic_windows(observed, settings), entity_windows(observed, settings)
    assert topic_windows(shuffled, settings) == of_topic
    assert entity_windows(shuffled, settings) == of_entity
    by_id = {item.observation_id: item.occurred_at for item in observed}
    for windows in (of_topic, of_entity):
        members = [key for window in windows for key in window.members]
        assert len(members) == len(set(members))
        assert all(window.start <= by_id[key] < window.end for window in windows for key in window.members)
    assert {key for window in of_topic for key in window.members} == set(by_id)
    assert all(len(window.members) >= least for window in of_entity)
    assert len(of_topic) < 2 or all(len(window.members) >= least for window in of_topic)


@given(days, st.floats(0, 1_000, allow_nan=False))
def test_a_new_observation_changes_the_entity_windows_of_its_own_time_alone(
    given_days: list[float], day: float
) -> None:
    before = entity_windows(_observed(*given_days), DEFAULT_CONSOLIDATION)
    new = Observed(ObservationId("obs_new"), START + day * DAY)
    after = entity_windows([*_observed(*given_days), new], DEFAULT_CONSOLIDATION)
    span = DEFAULT_CONSOLIDATION.stable_window_days * DAY + DEFAULT_CONSOLIDATION.active_window_days * DAY
    far = [window for window in before if abs(window.start - new.occurred_at) > span]
    assert [window for window in after if abs(window.start - new.occurred_at) > span] == far

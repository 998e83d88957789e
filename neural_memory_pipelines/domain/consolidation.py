"""How a workspace is consolidated: its settings, and the time windows that observations fall into.

Pure values: when a night is due is asked with the time in hand, and nothing is read or written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from neural_memory_pipelines.domain.ids import Json, ObservationId, hash_json
from neural_memory_pipelines.errors import PermanentError

_FIRST_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_SHARES = frozenset({"pool_share", "drift_cosine"})


@dataclass(frozen=True, slots=True)
class ConsolidationSettings:
    """The settings of a workspace.

    Attributes:
        timezone: IANA name of the time zone of its nights.
        night_at: local time at which its night begins, HH:MM.
        least_members: fewest observations of a topic, and of an entity's time window.
        active_window_days: window of an entity while it is active: has `least_members` in such a window.
        stable_window_days: window of an entity otherwise.
        topic_window_days: longest time that one summary of a topic spans, unless a rest would be too small.
        pool_share: share of observations without a topic above which everything is clustered anew, 0..1.
        full_every_days: days after which everything is clustered anew, if something changed.
        early_observations: new observations for which a workspace is consolidated before its night.
        half_life_days: days after which an observation weighs half in a profile.
        drift_cosine: cosine distance to the accepted profile above which one is flagged, 0..2.
        age_after_days: days after which an observation whose topic has a summary leaves the hot index.
        age_per_night: most observations that leave in one night, the least important first.
        keep_hot: whether all observations stay, whatever their age.
    """

    timezone: str = "UTC"
    night_at: str = "02:00"
    least_members: int = 3
    active_window_days: int = 7
    stable_window_days: int = 30
    topic_window_days: int = 90
    pool_share: float = 0.2
    full_every_days: int = 7
    early_observations: int = 200
    half_life_days: float = 90.0
    drift_cosine: float = 0.25
    age_after_days: int = 180
    age_per_night: int = 10_000
    keep_hot: bool = False

    @property
    def topics_hash(self) -> str:
        """Hash of the settings that decide which observations are a topic."""
        return hash_json({"least_members": self.least_members})

    def spelled(self) -> dict[str, Json]:
        """Spell the settings that differ from the defaults, as JSON."""
        default = asdict(ConsolidationSettings())
        return {name: value for name, value in asdict(self).items() if value != default[name]}


DEFAULT_CONSOLIDATION = ConsolidationSettings()


def read_consolidation(spelled: Mapping[str, Json]) -> ConsolidationSettings:
    """Read settings from JSON; what is not said is the default, names of a later version are passed over."""
    known = {field.name for field in fields(ConsolidationSettings)}
    said: dict[str, Any] = {name: value for name, value in spelled.items() if name in known}
    return replace(DEFAULT_CONSOLIDATION, **said)


def with_setting(settings: ConsolidationSettings, name: str, value: str) -> ConsolidationSettings:
    """Change one setting, given as text.

    Raises:
        PermanentError: there is no such setting, or it cannot have that value; says which it can have.
    """
    kinds = {field.name: type(getattr(DEFAULT_CONSOLIDATION, field.name)) for field in fields(ConsolidationSettings)}
    if name not in kinds:
        raise PermanentError(f"there is no setting {name!r}; there are {', '.join(kinds)}")
    change: dict[str, Any] = {name: _read(name, value.strip(), kinds[name])}
    return replace(settings, **change)


def _read(name: str, value: str, kind: type) -> str | int | float | bool:
    if kind is bool:
        if value.lower() not in {"true", "false"}:
            raise PermanentError(f"{name}: expected true or false, not {value!r}")
        return value.lower() == "true"
    if kind is str:
        return _time_of_day(value) if name == "night_at" else _zone(value).key
    try:
        number = kind(value)
    except ValueError:
        raise PermanentError(f"{name}: expected a number, not {value!r}") from None
    least, most = (0, 2) if name in _SHARES else (1, 1_000_000)
    if not least <= number <= most:
        raise PermanentError(f"{name}: expected {least} to {most}, not {value}")
    return number  # type: ignore[no-any-return]  # int or float, as `kind` says


def _time_of_day(value: str) -> str:
    try:
        return f"{time.fromisoformat(value):%H:%M}"
    except ValueError:
        raise PermanentError(f"night_at: expected a time of day such as 02:00, not {value!r}") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PermanentError(f"timezone: there is no zone {name!r}; expected a name such as Europe/Berlin") from None


def latest_night(settings: ConsolidationSettings, now: datetime) -> datetime:
    """When the latest night of a workspace began, at or before `now`; both aware, the answer in UTC.

    A local time that a change of clocks skips or repeats begins once: as `fold=0` reads it.
    """
    zone = _zone(settings.timezone)
    at = time.fromisoformat(settings.night_at)
    today = now.astimezone(zone).date()
    night = datetime.combine(today, at, tzinfo=zone)
    return (night if night <= now else datetime.combine(today - timedelta(days=1), at, tzinfo=zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Observed:
    """An observation and when it occurred (aware)."""

    observation_id: ObservationId
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time and the observations in it, oldest first. `end` is the first moment after it."""

    start: datetime
    end: datetime
    members: tuple[ObservationId, ...]


def entity_windows(observed: Sequence[Observed], settings: ConsolidationSettings) -> list[Window]:
    """Split what an entity had to do with into windows of enough observations.

    A week in which there is enough is a window of its own: the entity is active. What other weeks leave is gathered
    in longer windows: it is stable. Both lie on a fixed calendar, so that a new observation changes the windows of its
    own time alone, and what is written of older ones stays.
    """
    weeks = _aligned(observed, settings.active_window_days)
    active = [window for window in weeks if len(window.members) >= settings.least_members]
    taken = {member for window in active for member in window.members}
    rest = [item for item in observed if item.observation_id not in taken]
    stable = _aligned(rest, settings.stable_window_days)
    return [*active, *(window for window in stable if len(window.members) >= settings.least_members)]


def topic_windows(observed: Sequence[Observed], settings: ConsolidationSettings) -> list[Window]:
    """Split a topic into windows, counted from its first observation; one that would be too small joins its neighbour.

    So both sides of what was decided and soon reversed stand in one window, wherever the calendar's quarters end.
    """
    ordered = _ordered(observed)
    if not ordered:
        return []
    first = ordered[0].occurred_at
    span = timedelta(days=settings.topic_window_days)
    by_number: dict[int, list[Observed]] = {}
    for item in ordered:
        by_number.setdefault((item.occurred_at - first) // span, []).append(item)
    windows: list[Window] = []
    for number, items in by_number.items():
        window = _window(first + number * span, first + (number + 1) * span, items)
        small = min(len(window.members), len(windows[-1].members) if windows else len(window.members))
        if windows and small < settings.least_members:
            before = windows.pop()
            window = Window(before.start, window.end, before.members + window.members)
        windows.append(window)
    return windows


def _aligned(observed: Sequence[Observed], days: int) -> list[Window]:
    span = timedelta(days=days)
    by_start: dict[datetime, list[Observed]] = {}
    for item in _ordered(observed):
        start = _FIRST_MONDAY + (item.occurred_at - _FIRST_MONDAY) // span * span
        by_start.setdefault(start, []).append(item)
    return [_window(start, start + span, items) for start, items in by_start.items()]


def _window(start: datetime, end: datetime, items: Sequence[Observed]) -> Window:
    return Window(start, end, tuple(item.observation_id for item in items))


def _ordered(observed: Sequence[Observed]) -> list[Observed]:
    return sorted(observed, key=lambda item: (item.occurred_at, item.observation_id))

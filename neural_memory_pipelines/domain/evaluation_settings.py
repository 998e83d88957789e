"""How much worse the answers of a workspace may get before that is a regression.

Pure values; what an evaluation found is held against them in `evaluation_compare.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.errors import PermanentError

_NOT_ASKED = "none"
_OPTIONAL = frozenset({"max_p95_latency_factor"})
_LEAST_FACTOR, _MOST_FACTOR = 1.0, 1_000.0


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """The settings of a workspace.

    Attributes:
        max_recall_at_5_loss, max_recall_at_10_loss, max_ndcg_loss: how far the measure may fall below the accepted
            run, 0..1; exactly as far is allowed.
        max_p95_latency_factor: how many times slower the 95th percentile may get; None: as slow as it likes, for
            machines are noisy.
        min_smoke_recall_at_5: the least recall@5 of the smoke suite, 0..1, whatever it was before.
    """

    max_recall_at_5_loss: float = 0.05
    max_recall_at_10_loss: float = 0.05
    max_ndcg_loss: float = 0.05
    max_p95_latency_factor: float | None = None
    min_smoke_recall_at_5: float = 0.2

    def spelled(self) -> dict[str, Json]:
        """Spell the settings that differ from the defaults, as JSON."""
        default = asdict(DEFAULT_EVALUATION)
        return {name: value for name, value in asdict(self).items() if value != default[name]}


DEFAULT_EVALUATION = EvaluationSettings()


def read_evaluation(spelled: Mapping[str, Json]) -> EvaluationSettings:
    """Read settings from JSON; what is not said is the default, names of a later version are passed over."""
    known = {field.name for field in fields(EvaluationSettings)}
    said: dict[str, Any] = {name: value for name, value in spelled.items() if name in known}
    return replace(DEFAULT_EVALUATION, **said)


def with_setting(settings: EvaluationSettings, name: str, value: str) -> EvaluationSettings:
    """Change one setting, given as text; `none` where nothing is asked.

    Raises:
        PermanentError: there is no such setting, or it cannot have that value; says which it can have.
    """
    known = [field.name for field in fields(EvaluationSettings)]
    if name not in known:
        raise PermanentError(f"there is no setting {name!r}; there are {', '.join(known)}")
    change: dict[str, Any] = {name: _read(name, value.strip())}
    return replace(settings, **change)


def _read(name: str, value: str) -> float | None:
    if name in _OPTIONAL and value.lower() == _NOT_ASKED:
        return None
    least, most = (_LEAST_FACTOR, _MOST_FACTOR) if name in _OPTIONAL else (0.0, 1.0)
    expected = f"{least:g} to {most:g}" + (f", or {_NOT_ASKED}" if name in _OPTIONAL else "")
    try:
        number = float(value)
    except ValueError:
        raise PermanentError(f"{name}: expected a number, {expected}, not {value!r}") from None
    if not math.isfinite(number) or not least <= number <= most:
        raise PermanentError(f"{name}: expected {expected}, not {value}")
    return number

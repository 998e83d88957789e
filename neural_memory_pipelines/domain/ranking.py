"""What a hit is worth beside its likeness to the question: how lately it occurred, and who stands out as near.

It knows no store, and mixes no scores: weights are decided in `retrieval/`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

# That of observations in a profile; after as many days they leave the hot index.
HALF_LIFE_DAYS = 90.0

# Of fewer it cannot be said what is usual.
_LEAST_OTHERS = 9
_FULL_DEVIATIONS = 3.0
_LEAST_VARIANCE = 1e-12  # of others that are all the same, but for rounding


def recency(age_days: float, *, half_life_days: float = HALF_LIFE_DAYS) -> float:
    """Tell how recent something is.

    Args:
        age_days: since it occurred; what occurs in the future, by a clock that is ahead, is new.
        half_life_days: after which it is half as recent; above 0.

    Returns:
        1 for what is new, halved with every half-life, towards 0.
    """
    # Beyond a thousand half-lives the power is no number any more.
    return math.exp2(-min(max(age_days, 0.0) / half_life_days, 1_000.0))


def standing_out(cosines: Sequence[float]) -> list[float]:
    """Tell of each of several likenesses how far it stands out from the others.

    Counted in standard deviations of the others from their mean: nothing up to 1 + ln(n), which the greatest of n
    seldom has by chance (of ten one time in eleven, of thirty one in three hundred, if they are spread normally), and
    1 from three deviations above that.

    Args:
        cosines: of the nearest, in any order.

    Returns:
        0..1 for each, in their order; all 0 if there are fewer than ten.
    """
    others = len(cosines) - 1
    if others < _LEAST_OTHERS:
        return [0.0] * len(cosines)
    usual = 1 + math.log(len(cosines))
    mean = math.fsum(cosines) / len(cosines)
    offsets = [cosine - mean for cosine in cosines]
    squares = math.fsum(offset * offset for offset in offsets)
    values = []
    for offset in offsets:
        mean_of_others = -offset / others
        variance = (squares - offset * offset) / others - mean_of_others * mean_of_others
        deviations = (offset - mean_of_others) / math.sqrt(variance) if variance > _LEAST_VARIANCE else 0.0
        values.append(min(max((deviations - usual) / _FULL_DEVIATIONS, 0.0), 1.0))
    return values

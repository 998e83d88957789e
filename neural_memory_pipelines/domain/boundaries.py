"""Where chunks begin: the choice among pieces, by their sizes and priorities alone.

Works on numbers; knows no text and no tokenizer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Budget:
    """The sizes that chunks are to have, in tokens.

    A boundary has the highest priority within `reach_tokens` on either side. `most_tokens` is what a chunk may have
    with its label. `window_tokens` bounds the size of what is cut off a gap that is longer than that.
    """

    reach_tokens: int
    most_tokens: int
    window_tokens: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may begin a chunk, in order.

    `positions` has one entry more than there are candidates: the tokens before each, then the total. `label_tokens`
    and `overlap_tokens` are what a chunk that begins there needs besides its own text.
    """

    positions: list[int]
    priorities: list[int]
    label_tokens: list[int]
    overlap_tokens: list[int]


def choose_boundaries(candidates: Candidates, budget: Budget) -> list[int]:
    """Choose the candidates that begin a chunk.

    First the local maxima: whether a candidate is one depends on nothing farther away than the reach, so an edit
    cannot move a boundary beyond it. Gaps between maxima that are too long for a chunk are cut again inside.

    Returns:
        Indices in ascending order, from 0 to the number of candidates (the end) inclusive.
    """
    if not candidates.priorities:
        return [0]
    maxima = [0, *_local_maxima(candidates, budget.reach_tokens), len(candidates.priorities)]
    chosen: list[int] = []
    for start, end in pairwise(maxima):
        chosen.append(start)
        chosen += _cuts_of_gap(candidates, budget, start=start, end=end)
    chosen.append(maxima[-1])
    return chosen


def _local_maxima(candidates: Candidates, reach_tokens: int) -> list[int]:
    """Find the candidates that no other within the reach precedes in priority; among equals the leftmost wins.

    Both ends of the text count as boundaries. One pass with a stack of falling priorities: what is below an entry
    on the stack is its nearest higher one to the left, what pops it is its nearest higher one to the right.
    """
    positions, priorities = candidates.positions, candidates.priorities
    total = positions[-1]
    maxima: list[int] = []
    stack: list[tuple[int, int, int]] = []
    for index in range(1, len(priorities)):
        here, priority = positions[index], priorities[index]
        while stack and stack[-1][0] < priority:
            _, position, survivor = stack.pop()
            if survivor and here - position >= reach_tokens:
                maxima.append(survivor)
        left = stack[-1][1] if stack else 0
        is_clear = here >= reach_tokens and total - here >= reach_tokens
        survivor = index if is_clear and here - left >= reach_tokens else 0
        stack.append((priority, here, survivor))
    maxima += [survivor for _, _, survivor in stack if survivor]
    maxima.sort()
    return maxima


def _cuts_of_gap(candidates: Candidates, budget: Budget, *, start: int, end: int) -> list[int]:
    """Cut one chunk after the other off the right of a gap until the rest fits into one.

    Each cut is the best candidate in a window whose place depends on the cut before alone: text added at the top of a
    gap moves none of the cuts below it, and text without any structure costs no more than other text. The window
    stops so early that the rest is never tiny.
    """
    positions, priorities = candidates.positions, candidates.priorities
    cuts: list[int] = []
    while end - start > 1:
        if positions[end] - positions[start] <= budget.most_tokens - candidates.label_tokens[start]:
            break
        farthest = positions[end] - budget.window_tokens[1]
        low = bisect_left(positions, farthest, start + 1, end)
        high = bisect_right(positions, positions[end] - budget.window_tokens[0], start + 1, end)
        # Among equals the rightmost: the cut then depends on as little as can be.
        window = range(high - 1, low - 1, -1)
        end = max(window, key=priorities.__getitem__) if window else min(low, end - 1)
        cuts.append(end)
    cuts.reverse()
    return cuts

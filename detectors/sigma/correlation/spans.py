"""spans: how long a correlation waits before it fires, and how long it remembers.

In:   a correlation, whole
Out:  microseconds

A condition that what comes later can only make truer is told at once. Any other is judged when its window has closed.
"""

from __future__ import annotations

from functools import lru_cache

from detectors.sigma.rule import Correlation

SECOND = 1_000_000

_GROWS = ("event_count", "value_count", "temporal", "temporal_ordered", "value_sum")


def closes(correlation: Correlation) -> bool:
    """Whether a later event could make the condition false."""
    if correlation.alternatives:
        return any(one.absent for one in correlation.alternatives)
    return correlation.type not in _GROWS or any(op not in ("gt", "gte") for op, _ in correlation.conditions)


@lru_cache(maxsize=4096)
def settling(correlation: Correlation) -> int:
    """How far the watermark must have passed a firing's time before all firings of that time are known."""
    own = correlation.timespan_seconds * SECOND if closes(correlation) else 0
    return own + settling_below(correlation)


@lru_cache(maxsize=4096)
def settling_below(correlation: Correlation) -> int:
    return max((settling(child) for child in correlation.children), default=0)


@lru_cache(maxsize=4096)
def memory(correlation: Correlation) -> int:
    """How much older than the watermark an occurrence may be and still change what is to be told.

    A closing window looks back twice: to judge one that opens at t it must be known what lay before t.
    """
    span = correlation.timespan_seconds * SECOND
    own = (2 * span if closes(correlation) else span) + settling_below(correlation)
    return own + memory_below(correlation)


@lru_cache(maxsize=4096)
def memory_below(correlation: Correlation) -> int:
    return max((memory(child) for child in correlation.children), default=0)


@lru_cache(maxsize=4096)
def closings(correlation: Correlation) -> frozenset[int]:
    """How long after an occurrence a window that opens there may close, on this level and on those below."""
    below = frozenset[int]().union(*(closings(child) for child in correlation.children))
    return below | {settling(correlation)} if closes(correlation) else below

"""point: what windows count.

In:   made by `correlate` and `levels`
Out:  named tuples whose first four fields are the same
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Occurrence(NamedTuple):
    """A match of a rule that a correlation counts. `rule` and `value` are as `correlation_inputs` gives them."""

    at: int
    """Microseconds since 1970 UTC."""
    event_id: str
    rule: str
    value: str | None = None


class Span(Protocol):
    @property
    def since(self) -> int:
        """The first event's time."""

    @property
    def event_ids(self) -> tuple[str, ...]: ...


class Fired(NamedTuple):
    """A firing of a correlation below, as the window above counts it: at the time of its last event."""

    at: int
    event_id: str
    rule: str
    value: str | None
    window: Span
    """Where it fired. Asked only of what is told: most firings below are told of nowhere."""


AnyPoint = Occurrence | Fired

"""outcome: what one run of the demo counted.

In:   numbers from where the lines ended up
Out:  whether the promises hold
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from hamrong.demo.foretell import Raised


@dataclass
class Outcome:
    began: datetime
    sent: int = 0
    stored: int = 0
    dead: int = 0
    expected: dict[Raised, str] = field(default_factory=dict)
    """(rule id, entity value) -> the shared system that was attacked."""
    missing: list[Raised] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    """Seconds from sending the line that suffices to finding the alert by search."""
    report: Path | None = None

    @property
    def balanced(self) -> bool:
        """Every line that was sent is an event or a dead letter, once."""
        return self.sent == self.stored + self.dead

    @property
    def holds(self) -> bool:
        return self.balanced and not self.missing

    @property
    def systems_found(self) -> int:
        """Shared systems whose attacks were all found."""
        return len(set(self.expected.values()) - {self.expected[key] for key in self.missing})

    def latency(self, percent: int) -> float | None:
        """The percentile in seconds; None below two alerts."""
        if len(self.latencies) < 2:
            return None
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1]

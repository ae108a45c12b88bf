"""What correlations did not count is named in the log."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from datetime import UTC, datetime

import pytest

from hamrong.config import Config
from jobs.uncounted import Uncounted

NOW = datetime(2026, 3, 5, 2, 59, tzinfo=UTC)


def test_each_is_named_once_though_nobody_takes_it(cfg: Config, caplog: pytest.LogCaptureFixture) -> None:
    # Nobody listens there.
    cfg = dataclasses.replace(cfg, opensearch=dataclasses.replace(cfg.opensearch, url="http://127.0.0.1:9"))
    told = Uncounted()
    for counts in ({("never", "late"): 2}, {("never", "late"): 2}, {("never", "late"): 5, ("many", "forgotten"): 1}):
        told.tell(Counter(counts), cfg, NOW)
    said = [record.message.split(" (")[0] for record in caplog.records if record.levelno == logging.WARNING]
    assert [one for one in said if one.startswith("correlation")] == [
        "correlation never: 2 matches came too late to be counted",
        "correlation many: 1 matches are forgotten, since one group had too many",
        "correlation never: 3 matches came too late to be counted",
    ]
    assert sum(one.startswith("what correlations did not count is not told") for one in said) == 3

"""Public rules and events that lie beside the checkout: what docs/reference/peers.md says of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.sigma import read
from detectors.sigma import check
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.ruleset import Ruleset

PAGE = Path(__file__).parents[3] / "docs/reference/peers.md"


# What some endpoint sensors add to Sysmon's events; no table of ours has events with them.
ADDED = {"GrandParentImage", "IntegrityLevel", "SourceCommandLine", "SourceParentImage", "TargetParentProcessId"}


@pytest.mark.slow
def test_every_log_source_and_field_is_mapped_but_those_that_sensors_add(public: Ruleset) -> None:
    doubts = [problem.what for problem in check.warnings(public)]
    assert all(doubt.startswith("fields that nothing maps") for doubt in doubts)
    assert {name for doubt in doubts for name in doubt.partition(": ")[2].split(", ")} == ADDED


@pytest.mark.e2e
def test_the_page_tells_how_many_events_match(shared: Path, public: Ruleset) -> None:
    told = re.search(r"\| Hàm Rồng \| ([\d,]+) \|", PAGE.read_text("utf-8"))
    assert told
    batch, _ = flat_batch(read(shared / "bench/windows-events.ndjson.gz", repeat=1))
    assert public.match(batch).num_rows == int(told[1].replace(",", ""))

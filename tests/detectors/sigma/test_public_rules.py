"""Public rules and events that lie beside the checkout: what docs/reference/peers.md says of them."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import pytest

from bench.sigma import read
from detectors.sigma.check import check, fields
from detectors.sigma.ndjson import flat_batch
from detectors.sigma.ruleset import Ruleset

PAGE = Path(__file__).parents[3] / "docs/reference/peers.md"


# What some endpoint sensors add to Sysmon's events; no table of ours has events with them.
ADDED = {"GrandParentImage", "IntegrityLevel", "SourceCommandLine", "SourceParentImage", "TargetParentProcessId"}


@pytest.mark.slow
def test_every_log_source_and_field_is_mapped_but_those_that_sensors_add(public: Ruleset) -> None:
    found = list(fields.doubts(public))
    assert {doubt.kind for doubt in found} == {"unknown-field"}
    doubts = [doubt.problem.what for doubt in found]
    assert {name for doubt in doubts for name in doubt.partition(": ")[2].split(", ")} == ADDED


@pytest.mark.slow
def test_the_rules_that_want_lists_load_with_them(shared: Path, public: Ruleset, tmp_path: Path) -> None:
    files = {Path(problem.path) for problem in public.refused}
    names = {
        name for file in files for name in re.findall(r"expand: *'?%([^%]+)%|- '?%([^%]+)%", file.read_text("utf-8"))
    }
    for name in ("".join(pair) for pair in names):
        (tmp_path / f"{name}.txt").write_text("192.0.2.7\n")
    ruleset = Ruleset.load(sorted(files), lists=[tmp_path])
    assert len(ruleset.rules) == len(files) == 25


@pytest.mark.slow
def test_check_takes_seconds_cold_and_warm(shared: Path, tmp_path: Path) -> None:
    spent, doubts = [], []
    for _ in range(2):
        start = time.process_time()
        ruleset = Ruleset.load([shared / "sigmahq"], tmp_path, strict=False)
        doubts.append(check(ruleset, [shared / "sigmahq"], tmp_path))
        spent.append(time.process_time() - start)
    assert spent[0] < 15
    assert spent[1] < 3
    assert doubts[0] == doubts[1]
    kinds = Counter(doubt.kind for doubt in doubts[0])
    assert kinds == {"refused": 25, "unknown-field": 6, "matches-everything": 5, "sigma": 4}


@pytest.mark.e2e
def test_the_page_tells_how_many_events_match(shared: Path, public: Ruleset) -> None:
    told = re.search(r"\| Hàm Rồng \| ([\d,]+) \|", PAGE.read_text("utf-8"))
    assert told
    batch, _ = flat_batch(read(shared / "bench/windows-events.ndjson.gz", repeat=1))
    assert public.match(batch).num_rows == int(told[1].replace(",", ""))

"""The project's rules on streams whose right alerts another engine's authors wrote down; skipped where they are absent.

Right is a stream of which every expected source is named by an alert, as its entity or by its evidence, and that
raises no alert that names none of them. The test prints the others.
"""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from detectors.sigma.raw_lines import block_batch
from detectors.sigma.ruleset import Ruleset
from detectors.sigma.scan.inputs import Input, Kind
from detectors.sigma.scan.matching import ToBatch
from detectors.sigma.scan.output import Match
from detectors.sigma.scan.run import Options, Scan
from hamrong.config import PROJECT
from ingest.parse import parse
from ingest.sources import Register

STREAMS = PROJECT.parent / "shared/corpora/crowdsec/scenarios.jsonl"
LEAST_RIGHT = 112
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WHO = (
    "source.ip",
    "source.address",
    "user.name",
    "user.effective.name",
    "process.name",
    "process.pid",
    "process.executable",
    "aws.cloudtrail.user_identity.arn",
)
"""Fields of the evidence that say who did it."""

pytestmark = pytest.mark.skipif(not STREAMS.exists(), reason="the streams are not beside this checkout")


class Nowhere:
    def write(self, match: Match) -> None: ...

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def ruleset(tmp_path_factory: pytest.TempPathFactory) -> Ruleset:
    """The project's rules, told that only private networks are ours: the sample list of the province's has ranges of
    documentation, and some streams have their attackers there."""
    rules = tmp_path_factory.mktemp("project") / "rules"
    shutil.copytree(PROJECT / "rules", rules)
    (rules / "lists/province_networks.txt").write_text(
        "127.0.0.0/8\n::1/128\n10.0.0.0/8\n172.16.0.0/12\n192.168.0.0/16\n"
    )
    return Ruleset.load([rules], PROJECT / ".hamrong/cache")


def alerts(ruleset: Ruleset, folder: Path, lines: list[str]) -> list[dict[str, Any]]:
    """What `hamrong scan --events log` finds in a file of these lines."""
    path = folder / "stream.log"
    content = "\n".join(lines).encode()
    path.write_bytes(content)
    register = Register(timezone="UTC")
    told: list[str] = []
    readers: dict[Kind, ToBatch] = {Kind.LOG: lambda block: (parse(block_batch(block, NOW), register), [])}
    scan = Scan(ruleset, Options(readers, Kind.LOG, alerts=True), Nowhere(), told.append, told.append)
    for _ in scan.run([Input(str(path), named=True, size=len(content))]):
        pass
    assert not told
    return list(scan.alerts())


def named(alert: dict[str, Any]) -> set[str]:
    """Whom the alert and its evidence name."""
    names = {alert["entity_value"]}
    for sample in alert["samples"]:
        leaves: dict[str, Any] = {}
        for field, value in dotted(orjson.loads(sample)):
            leaves[field.removeprefix("vendor.")] = value
        names |= {str(leaves[field]) for field in WHO if field in leaves}
        names.add(f"{leaves.get('user.domain')}\\{leaves.get('user.name')}")
    return names


def dotted(tree: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from dotted(value, f"{before}{name}.")
        else:
            yield before + name, value


def faults(stream: dict[str, Any], raised: list[dict[str, Any]], titles: dict[str, str]) -> list[str]:
    # One of the streams writes a domain's backslash twice, as its log does in JSON.
    expected = {
        re.sub(r"\\+", r"\\", source["value"]) for alert in stream["alerts"] for source in alert.get("sources", ())
    }
    found: set[str] = set()
    strays: defaultdict[str, set[str]] = defaultdict(set)
    for alert in raised:
        names = named(alert)
        found |= names & expected
        # Some alerts are written down without their sources: any alert will do.
        if not names & expected and (expected or not stream["alerts"]):
            strays[titles[alert["rule_id"]]].add(alert["entity_value"])
    told = [f"no alert for {name}" for name in sorted(expected - found)]
    told += [f"stray: {title}: {', '.join(sorted(who))}" for title, who in sorted(strays.items())]
    if stream["alerts"] and not raised and not expected:
        told.append("no alert")
    return told


@pytest.mark.slow
def test_alerts_name_the_expected_sources_and_no_others(ruleset: Ruleset, tmp_path: Path) -> None:
    streams = [orjson.loads(line) for line in STREAMS.read_bytes().splitlines()]
    titles = {rule.id: rule.title for rule in (*ruleset.rules, *ruleset.correlations)}
    wrong: dict[str, list[str]] = {}
    for stream in streams:
        if told := faults(stream, alerts(ruleset, tmp_path, stream["lines"]), titles):
            wrong[stream["test"]] = told
    for name, told in wrong.items():
        print(f"{name:36}{'; '.join(told)}")
    print(f"{len(streams) - len(wrong)} of {len(streams)} streams are right")
    assert len(streams) == 125
    assert len(streams) - len(wrong) >= LEAST_RIGHT

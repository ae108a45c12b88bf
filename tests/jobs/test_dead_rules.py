"""Dead rules by what the lake holds: by column, by a vendor's name, within the days, and of a share of the rows."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from detectors.sigma.rule import LogSource
from detectors.sigma.ruleset import Ruleset
from hamrong import cli
from hamrong.config import Config
from hamrong.errors import HamrongError
from ingest.event import TIMESTAMP, nest
from jobs import dead_rules
from jobs.sinks import delta
from tests.jobs import micro_batch

NOW = datetime(2026, 3, 5, 9, tzinfo=UTC)
RULE = """title: {id}
id: {id}
logsource: {{product: {product}, service: {service}}}
detection: {{s: {{{field}: x}}, condition: s}}
"""


@pytest.fixture
def lake(cfg: Config, tmp_path: Path) -> Config:
    """Events of sshd of today, one with a vendor's name; of sudo ten days ago; and rules that ask for this and that."""
    (tmp_path / "rules").mkdir()
    for name, service, field in [
        ("alive", "sshd", "user.name"),
        ("by_vendor", "sshd", "sshd.key"),
        ("empty", "sshd", "url.path"),
        ("unmapped", "sshd", "Colour"),
        ("old", "sudo", "user.name"),
        ("silent", "cron", "user.name"),
    ]:
        (tmp_path / f"rules/{name}.yml").write_text(RULE.format(id=name, product="linux", service=service, field=field))
    made = dataclasses.replace(cfg, detection=dataclasses.replace(cfg.detection, rules=(tmp_path / "rules",)))
    delta.create_tables(made)
    for number, (dataset, days, vendor) in enumerate(
        [("linux.sshd", 0, [("sshd.key", "x")]), ("linux.sudo", 10, None)]
    ):
        received = NOW - timedelta(days=days)
        columns = {
            "event.dataset": pa.array([dataset] * 4),
            "event.ingested": pa.array([received] * 4, TIMESTAMP),
            "user.name": pa.array([None, "a", None, "b"]),
            "vendor": pa.array([None, None, vendor, None], pa.map_(pa.string(), pa.string())),
        }
        micro_batch.commit(made, number, events=nest(pa.RecordBatch.from_pydict(columns)))
    return made


def look(cfg: Config, days: int, limit: int = 0) -> dead_rules.Look:
    ruleset = Ruleset.load(cfg.detection.rules)
    return dead_rules.look(cfg, ruleset, NOW - timedelta(days=days), limit, lambda done, total: None)


def test_each_dead_rule_is_named_with_the_reason(lake: Config) -> None:
    found = look(lake, 30)
    assert (found.rows, found.of_rows, found.rules) == (8, 8, 6)
    assert {one.rule: one.why for one in found.dead} == {
        "empty": "never there in events of product linux, service sshd: url.path",
        "unmapped": "nothing maps Colour for product linux, service sshd",
        "silent": "no event of product linux, service cron came",
    }


def test_what_came_is_known_of_each_system(lake: Config) -> None:
    columns = {
        "event.dataset": pa.array(["linux.cron", "linux.sshd", "linux.sshd"]),
        "event.ingested": pa.array([NOW] * 3, TIMESTAMP),
        "service.name": pa.array(["portal", "portal", "lgsp"]),
        "user.name": pa.array(["a", None, "b"]),
    }
    micro_batch.commit(lake, 2, events=nest(pa.RecordBatch.from_pydict(columns)))
    found = look(lake, 30)
    told = {
        system: {
            service: "user.name" in held
            for service in ("cron", "sshd", "sudo")
            for kind, held in kinds.items()
            if kind.fits(LogSource("linux", None, service))
        }
        for system, kinds in found.kinds.items()
    }
    assert told == {
        None: {"sshd": True, "sudo": True},
        "portal": {"cron": True, "sshd": False},
        "lgsp": {"sshd": True},
    }
    assert "silent" not in {one.rule for one in found.dead}


def test_what_came_before_does_not_count(lake: Config) -> None:
    found = look(lake, 5)
    assert (found.rows, found.of_rows) == (4, 4)
    assert "old" in {one.rule for one in found.dead}


def test_of_many_rows_an_even_share_is_read(lake: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {
        "event.dataset": pa.array(["linux.sshd"] * 1000),
        "event.ingested": pa.array([NOW] * 1000, TIMESTAMP),
        "user.name": pa.array(["a"] * 1000),
    }
    for number in range(2, 12):
        micro_batch.commit(lake, number, events=nest(pa.RecordBatch.from_pydict(columns)))
    found = look(lake, 5, limit=2_500)
    assert found.of_rows == 10_004
    assert 2_000 <= found.rows <= 4_004


def test_nothing_can_be_said_without_events(lake: Config, cfg: Config) -> None:
    with pytest.raises(HamrongError, match="nothing came since"):
        look(lake, -3)
    elsewhere = dataclasses.replace(lake, lake=dataclasses.replace(lake.lake, path="nowhere"))
    with pytest.raises(HamrongError, match="holds no events yet"):
        look(elsewhere, 5)


def test_only_the_columns_that_rules_ask_for_are_read(lake: Config) -> None:
    columns = dead_rules._columns(Ruleset.load(lake.detection.rules))
    assert {"event.dataset", "user.name", "url.path", "vendor"} <= set(columns)
    assert not {"event.original", "message", "source.ip"} & set(columns)


def test_the_command_fails_when_it_is_told_to(
    lake: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hamrong.config.load", lambda: lake)
    since = ["--since", "2026-02-01"]
    assert cli.main(["rules", "dead", *since]) == 0
    shown = capsys.readouterr().out
    assert "silent.yml: silent (silent): no event of product linux, service cron came" in shown
    assert shown.endswith("6 rules, 3 dead, by 8 events\n")
    assert cli.main(["rules", "dead", *since, "--fail", "--json"]) == 1
    answer = orjson.loads(capsys.readouterr().out)
    assert {one["rule"] for one in answer["dead"]} == {"empty", "unmapped", "silent"}

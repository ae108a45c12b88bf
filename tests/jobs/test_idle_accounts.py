"""Accounts that the lake has not seen for long, from its log-ins to an alert when one is used again."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma import lists
from detectors.sigma.ruleset import Ruleset
from hamrong import rule_set
from hamrong.config import Config
from hamrong.errors import HamrongError
from ingest.event import NESTED
from jobs import idle_accounts
from jobs.idle_accounts import refresh
from jobs.reload.watch import Reloader
from jobs.sinks import delta
from tests.jobs import micro_batch

NOW = datetime(2026, 3, 5, 18, tzinfo=UTC)
RULE = """title: Idle
id: idle
logsource: {category: authentication}
detection: {s: {user.name|expand: '%idle_accounts%'}, condition: s}
"""

LogIn = tuple[str, int, str | None, str]
"""Account, days ago, system, outcome."""


def log_ins(cfg: Config, number: int, *rows: LogIn) -> None:
    events = [
        {
            "@timestamp": NOW - timedelta(days=days),
            "event": {
                "id": f"{number}-{row}",
                "category": ["authentication"],
                "outcome": outcome,
                "ingested": NOW - timedelta(days=days),
            },
            "user": {"name": account},
            "service": {"name": system},
        }
        for row, (account, days, system, outcome) in enumerate(rows)
    ]
    micro_batch.commit(cfg, number, events=pa.RecordBatch.from_pylist(events, schema=NESTED))


@pytest.fixture
def cfg(cfg: Config, tmp_path: Path) -> Config:
    detection = dataclasses.replace(
        cfg.detection,
        rules=(tmp_path / "rules",),
        added=tmp_path / "added",
        cache=tmp_path / "cache",
        rule_sets=str(tmp_path / "sets"),
    )
    (tmp_path / "rules/lists").mkdir(parents=True)
    (tmp_path / "rules/idle.yml").write_text(RULE)
    (tmp_path / "rules/lists/idle_accounts.txt").write_text("cb.nghiviec.*\n")
    made = dataclasses.replace(cfg, detection=detection)
    delta.create_tables(made)
    return made


def listed(cfg: Config) -> list[str]:
    text = (cfg.detection.added / "lists/idle_accounts.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def fires(ruleset: Ruleset, *accounts: str) -> list[str]:
    batch = pa.RecordBatch.from_pydict(
        {"event.category": [["authentication"]] * len(accounts), "user.name": list(accounts)}
    )
    return [accounts[row] for row in ruleset.match(batch).column("row").to_pylist()]


def test_who_logged_in_long_ago_and_never_since_is_listed(cfg: Config) -> None:
    log_ins(
        cfg,
        0,
        ("gone", 60, "lgsp", "success"),
        ("Gone Too", 46, None, "success"),
        ("at the border", 45, "lgsp", "success"),
        ("back", 60, "lgsp", "success"),
        ("back", 3, "soc", "success"),
        ("tried", 60, "lgsp", "success"),
        ("tried", 3, "lgsp", "failure"),
        ("never.in", 60, "lgsp", "failure"),
        ("citizen", 60, "portal", "success"),
        (r"PROVINCE\an*", 50, "lgsp", "success"),
        ("two\nlines", 50, "lgsp", "success"),
    )
    found = refresh(cfg, NOW)
    assert listed(cfg) == ["Gone Too", r"PROVINCE\\an\*", "gone", "tried"]
    assert (found.accounts, found.known, found.left_out, found.before) == (4, 7, 1, date(2026, 1, 19))
    ruleset = rule_set.load(cfg.detection)
    assert ruleset.problems == []
    asked = ("gone", "back", "citizen", r"PROVINCE\an*", r"PROVINCE\anh", "cb.nghiviec.9", "tried")
    assert fires(ruleset, *asked) == ["gone", r"PROVINCE\an*", "cb.nghiviec.9", "tried"]


def test_each_night_reads_what_came_since_and_the_streams_take_it_up(cfg: Config, tmp_path: Path) -> None:
    reloader = Reloader(cfg.detection)
    reloader.begin()
    before = rule_set.load(cfg.detection).version
    log_ins(cfg, 0, ("an", 44, "lgsp", "success"), ("binh", 50, "lgsp", "success"))
    refresh(cfg, NOW)
    assert listed(cfg) == ["binh"]
    # Of the days that it has read it knows what was there, though the lake keeps them no longer.
    (tmp_path / "lake").rename(tmp_path / "old")
    delta.create_tables(cfg)
    log_ins(cfg, 1, ("binh", 0, "lgsp", "success"))
    refresh(cfg, NOW + timedelta(days=3))
    assert listed(cfg) == ["an"]
    while not reloader.look():
        pass
    live = reloader._sets.live()
    assert live is not None
    assert live.version == rule_set.load(cfg.detection).version != before


def test_other_systems_or_another_lake_begin_anew(cfg: Config) -> None:
    log_ins(cfg, 0, ("citizen", 60, "portal", "success"), ("official", 60, "lgsp", "success"))
    refresh(cfg, NOW)
    changed = dataclasses.replace(cfg, detection=dataclasses.replace(cfg.detection, public_systems=("lgsp",)))
    refresh(changed, NOW)
    assert listed(cfg) == ["citizen"]
    with pytest.raises(HamrongError, match="no events yet"):
        refresh(dataclasses.replace(cfg, lake=dataclasses.replace(cfg.lake, path="/nowhere")), NOW)


def test_of_too_many_the_ones_that_were_used_last_are_listed(cfg: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_accounts, "MOST", 2)
    log_ins(cfg, 0, *((f"an{days}", days, "lgsp", "success") for days in (50, 70, 60, 800)))
    assert refresh(cfg, NOW).left_out == 1
    assert listed(cfg) == ["an50", "an60"]


@given(st.text())
def test_a_name_comes_back_from_its_line_or_is_left_out(name: str) -> None:
    line = idle_accounts._line(name)
    if line:
        [read] = [lists._COMMENT.sub("", one).strip() for one in f"{line}\n".splitlines()]
        assert read == line
        assert line.replace("\\*", "*").replace("\\?", "?").replace("\\\\", "\\") == name

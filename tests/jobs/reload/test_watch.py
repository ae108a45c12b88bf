"""Changed rules become live for a worker, whole or not at all."""

from __future__ import annotations

import dataclasses
import gc
import logging
import os
import shutil
import threading
import time
import weakref
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from detectors.sigma.ruleset import Ruleset
from hamrong import zone
from hamrong.config import Config, Detection
from hamrong.errors import InvalidFileError, ServiceError
from jobs import loaded
from jobs.reload.sets import RuleSets
from jobs.reload.watch import SETTLE_SECONDS, Reloader
from tests.jobs.reload.rules import detection, words, write

BROKEN = "title: broken\nlogsource: {product: linux}\ndetection:\n  a: {Word: x}\n  condition: b\n"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No pause between two looks of a worker; no set is left for the next test."""
    monkeypatch.setattr(loaded, "LOOK_SECONDS", 0.0)
    yield
    loaded.forget()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    write(tmp_path / "rules", "one")
    return tmp_path / "rules"


def settled(reloader: Reloader) -> None:
    """Looks until what changed is decided on."""
    while not reloader.look():
        time.sleep(SETTLE_SECONDS / 3)


def begun(settings: Detection) -> Reloader:
    reloader = Reloader(settings)
    reloader.begin()
    return reloader


@pytest.mark.slow
def test_a_rule_that_is_added_changed_or_deleted_is_live_at_the_next_look(cfg: Config, rules: Path) -> None:
    settings = detection(cfg, rules)
    reloader = begun(settings)
    first = loaded.live(settings)
    assert words(first, "one", "two") == ["one"]
    file = write(rules / "below", "two")
    settled(reloader)
    second = loaded.live(settings)
    assert words(second, "one", "two") == ["one", "two"]
    file.write_text(file.read_text().replace("Word: two", "Word: three"))
    settled(reloader)
    assert words(loaded.live(settings), "one", "two", "three") == ["one", "three"]
    file.unlink()
    settled(reloader)
    assert words(loaded.live(settings), "one", "two", "three") == ["one"]
    assert loaded.live(settings).version == first.version != second.version
    assert words(first, "one", "two") == ["one"]


def test_nothing_is_loaded_again_when_only_times_change(cfg: Config, rules: Path) -> None:
    settings = detection(cfg, rules)
    reloader = begun(settings)
    kept, since = loaded.live(settings), RuleSets(settings.rule_sets).live()
    published = Path(settings.rule_sets, "live.json").stat().st_ino
    os.utime(rules / "one.yml", (1, 1))
    settled(reloader)
    assert loaded.live(settings) is kept
    assert Path(settings.rule_sets, "live.json").stat().st_ino == published
    assert RuleSets(settings.rule_sets).live() == since


@pytest.mark.slow
def test_a_set_with_a_fault_is_refused_whole_with_every_fault_and_said_once(
    cfg: Config, rules: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = detection(cfg, rules)
    reloader = begun(settings)
    write(rules, "two")
    (rules / "broken.yml").write_text(BROKEN)
    (rules / "worse.yml").write_text("title: worse\nlogsource: {product: linux}\n")
    for _ in range(3):
        settled(reloader)
    assert words(loaded.live(settings), "one", "two") == ["one"]
    refusal = RuleSets(settings.rule_sets).refusal()
    assert refusal is not None
    assert [reason.removeprefix(f"{rules}/").partition(" (hint")[0] for reason in refusal.reasons] == [
        "broken.yml:5: condition names 'b', not defined",
        "worse.yml:1: has no detection",
    ]
    [said] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert all(reason in said.getMessage() for reason in refusal.reasons)
    (rules / "broken.yml").unlink()
    (rules / "worse.yml").unlink()
    settled(reloader)
    assert words(loaded.live(settings), "one", "two") == ["one", "two"]
    assert RuleSets(settings.rule_sets).refusal() is None


def test_a_folder_that_vanishes_and_comes_back(cfg: Config, rules: Path) -> None:
    settings = detection(cfg, rules)
    reloader = begun(settings)
    rules.rename(rules.with_name("away"))
    settled(reloader)
    assert words(loaded.live(settings), "one") == ["one"]
    refusal = RuleSets(settings.rule_sets).refusal()
    assert refusal is not None
    assert "No such file" in refusal.reasons[0]
    write(rules.with_name("away"), "two")
    rules.with_name("away").rename(rules)
    settled(reloader)
    assert words(loaded.live(settings), "one", "two") == ["one", "two"]


def test_a_file_that_is_being_written_is_waited_for(cfg: Config, rules: Path) -> None:
    settings = detection(cfg, rules)
    reloader = begun(settings)
    whole = write(rules, "two").read_text()
    (rules / "two.yml").write_text(whole[: len(whole) // 2])
    assert not reloader.look()
    assert RuleSets(settings.rule_sets).refusal() is None
    (rules / "two.yml").write_text(whole)
    settled(reloader)
    assert words(loaded.live(settings), "two") == ["two"]
    assert RuleSets(settings.rule_sets).refusal() is None


def test_a_time_in_the_future_is_not_waited_for(cfg: Config, rules: Path) -> None:
    settings = detection(cfg, rules)
    reloader = begun(settings)
    ahead = time.time() + 1e6
    os.utime(write(rules, "two"), (ahead, ahead))
    assert [reloader.look() for _ in range(2)] == [False, True]
    assert words(loaded.live(settings), "two") == ["two"]


def test_a_start_with_a_fault_goes_on_with_the_set_of_before(cfg: Config, rules: Path) -> None:
    settings = detection(cfg, rules)
    (rules / "broken.yml").write_text(BROKEN)
    with pytest.raises(InvalidFileError, match=r"broken\.yml:5"):
        Reloader(settings).begin()
    (rules / "broken.yml").rename(rules / "broken.off")
    begun(settings)
    (rules / "broken.off").rename(rules / "broken.yml")
    begun(settings)
    assert words(loaded.live(settings), "one") == ["one"]


def test_what_cannot_be_used_here_is_left_out_and_named(cfg: Config, rules: Path) -> None:
    file = write(rules, "two")
    file.write_text(file.read_text().replace("Word: two", "Word|expand: '%nowhere%'"))
    settings = detection(cfg, rules)
    begun(settings)
    live = RuleSets(settings.rule_sets).live()
    assert live is not None
    assert (live.rules, len(live.left_out)) == (1, 1)
    assert "two.yml:" in live.left_out[0]


def test_a_place_of_sets_that_is_away_stops_nothing(cfg: Config, rules: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = detection(cfg, rules)
    reloader = begun(settings)
    kept = loaded.live(settings)
    place = Path(settings.rule_sets)
    place.rename(place.with_name("away"))
    place.write_text("no folder")
    write(rules, "two")
    with pytest.raises(ServiceError, match="rule-sets"):
        settled(reloader)
    assert [loaded.live(settings) is kept for _ in range(3)] == [True] * 3
    assert len([record for record in caplog.records if "stay as they are" in record.getMessage()]) == 1
    place.unlink()
    place.with_name("away").rename(place)
    settled(reloader)
    assert words(loaded.live(settings), "one", "two") == ["one", "two"]


def test_a_worker_that_never_had_a_set_says_that_the_place_is_away(cfg: Config, rules: Path) -> None:
    settings = detection(cfg, rules)
    Path(settings.rule_sets).write_text("no folder")
    with pytest.raises(ServiceError, match="rule-sets"):
        loaded.live(settings)


def test_until_something_is_published_the_files_are_what_is_live(cfg: Config, rules: Path) -> None:
    settings = detection(cfg, rules)
    assert words(loaded.live(settings), "one") == ["one"]
    assert RuleSets(settings.rule_sets).live() is None


def test_a_worker_needs_neither_the_files_nor_the_cache(cfg: Config, rules: Path, tmp_path: Path) -> None:
    settings = detection(cfg, rules)
    begun(settings)
    shutil.rmtree(rules)
    shutil.rmtree(settings.cache)
    assert words(loaded.live(settings), "one") == ["one"]


def test_retired_rules_are_not_run(cfg: Config, rules: Path) -> None:
    write(rules, "two", status="deprecated")
    write(rules, "three", status="experimental")
    settings = detection(cfg, rules)
    begun(settings)
    assert words(loaded.live(settings), "one", "two", "three") == ["one", "three"]


def test_an_old_set_is_gone_from_memory_when_the_next_one_is_live(cfg: Config, rules: Path) -> None:
    settings = detection(cfg, rules)
    reloader = begun(settings)
    words(loaded.live(settings), "one")
    old: weakref.ref[Ruleset] = weakref.ref(loaded.live(settings))
    write(rules, "two")
    settled(reloader)
    gc.disable()
    try:
        loaded.live(settings)
        assert old() is None
    finally:
        gc.enable()


def test_a_filter_expires_at_midnight_without_a_change_of_files(
    cfg: Config, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (rules / "filter.yml").write_text(
        "title: not one\nlogsource: {product: linux}\nfilter:\n  rules: any\n  selection: {Word: one}\n"
        "  condition: not selection\nauthor: An\nhamrong: {reason: a test, expires: 2026-11-24}\n"
    )
    settings = detection(cfg, rules)
    monkeypatch.setattr(zone, "today", lambda now=None: date(2026, 11, 24))
    reloader = begun(settings)
    assert words(loaded.live(settings), "one") == []
    monkeypatch.setattr(zone, "today", lambda now=None: date(2026, 11, 25))
    settled(reloader)
    assert words(loaded.live(settings), "one") == ["one"]


@pytest.mark.slow
def test_the_thread_follows_and_ends(cfg: Config, rules: Path) -> None:
    settings = dataclasses.replace(detection(cfg, rules), reload_seconds=0.02)
    reloader, stop = begun(settings), threading.Event()
    thread = reloader.start(stop)
    write(rules, "two")
    end = time.monotonic() + 20
    while words(loaded.live(settings), "two") != ["two"] and time.monotonic() < end:
        time.sleep(0.05)
    stop.set()
    thread.join(10)
    assert words(loaded.live(settings), "two") == ["two"]
    assert not thread.is_alive()

"""A rule on the lake without Spark: the same matches as in the stream, out of as few bytes as hold them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sigma.ruleset import Ruleset
from hamrong.config import Config
from hamrong.errors import HamrongError, InvalidFileError
from ingest.event import NESTED, flatten
from jobs import loaded
from jobs.backtest import lake
from jobs.backtest.chosen import Chosen, choose
from jobs.sinks import delta
from tests.conftest import settings
from tests.jobs import micro_batch
from tests.jobs.filled_lake import START, fill, traffic_of_ten_minutes

TODAY = date(2026, 3, 10)
EVER = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))

DRAFT = """\
title: A draft
id: 11111111-1111-4111-8111-111111111111
status: experimental
level: low
logsource: {product: linux, service: sshd}
detection:
  selection: {event.outcome: failure}
  condition: selection
"""


def rules_of(folder: Path, *texts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        (folder / f"{number}.yml").write_text(text, encoding="utf-8")
    return folder


def with_rules(cfg: Config, folder: Path) -> Config:
    return dataclasses.replace(
        cfg, detection=dataclasses.replace(cfg.detection, rules=(folder,), cache=folder.parent / "cache")
    )


def run(cfg: Config, chosen: Chosen, bounds: tuple[datetime, datetime] = EVER) -> pa.Table:
    tasks = lake.tasks(cfg, lake.files(cfg), *bounds)
    return pa.Table.from_batches(batch for task in tasks for batch in task.run(chosen))


def matches_of(found: pa.Table) -> list[tuple[str, str, str | None]]:
    """Rule, event and alert of each match."""
    rows = found.filter(pc.is_valid(found["rule_id"])).select(["rule_id", "event_id", "alert_id"]).to_pylist()
    return sorted(tuple(row.values()) for row in rows)


def read_of(found: pa.Table) -> dict[str, int]:
    reads = found.filter(pc.is_valid(found["read"]))["read"].to_pylist()
    return {name: sum(read[name] for read in reads) for name in reads[0]}


def live(matches: pa.Table, ids: Iterable[str]) -> list[tuple[str, str, str | None]]:
    return sorted(
        (row["rule_id"], row["event"]["event"]["id"], row["alert_id"])
        for row in matches.to_pylist()
        if row["rule_id"] in set(ids)
    )


@pytest.mark.slow
def test_every_rule_matches_on_the_lake_what_it_matched_in_the_stream(cfg: Config) -> None:
    matches = fill(cfg, traffic_of_ten_minutes())
    ruleset = loaded.ruleset(cfg.detection)
    fired = set(matches["rule_id"].to_pylist())
    assert len(fired) > 20
    silent = [rule for rule in ruleset.rules if rule.id not in fired][:20]
    for rule in (*silent, *(rule for rule in ruleset.rules if rule.id in fired)):
        assert matches_of(run(cfg, choose(cfg.detection, rule.id, TODAY))) == live(matches, [rule.id]), rule.title


def test_a_span_is_cut_to_the_microsecond(cfg: Config, tmp_path: Path) -> None:
    cfg = with_rules(cfg, rules_of(tmp_path / "rules", DRAFT.replace("event.outcome: failure", "message: x")))
    delta.create_tables(cfg)
    times = [START + timedelta(microseconds=number) for number in range(5)]
    events = [
        {
            "@timestamp": START,
            "message": "x",
            "event": {"id": str(number), "ingested": time, "dataset": "linux.sshd"},
        }
        for number, time in enumerate(times)
    ]
    micro_batch.commit(cfg, 0, events=pa.RecordBatch.from_pylist(events, schema=NESTED))
    chosen = choose(cfg.detection, "11111111-1111-4111-8111-111111111111", TODAY)
    found = run(cfg, chosen, (times[1], times[4]))
    assert [event for _, event, _ in matches_of(found)] == ["1", "2", "3"]
    assert read_of(found)["events"] == 3


@pytest.mark.slow
def test_what_no_rule_can_be_for_is_not_read(cfg: Config) -> None:
    fill(cfg, traffic_of_ten_minutes())
    [size] = {sum(file.bytes for file in lake.files(cfg))}
    ours = read_of(run(cfg, choose(cfg.detection, "24d949dd-6135-4cc4-a851-b34c4b1c20bd", TODAY)))
    # Of small files the footer is much; it is counted, and read however little else is.
    assert ours["bytes"] < size / 2
    assert 0 < ours["tried"] < ours["events"] == len(traffic_of_ten_minutes())


def event(number: int, **fields: Any) -> dict[str, Any]:
    return {"@timestamp": START, "event": {"id": str(number), "ingested": START} | fields.pop("event", {}), **fields}


def test_a_log_source_that_is_nowhere_costs_what_tells_it(cfg: Config, tmp_path: Path) -> None:
    sshd = DRAFT.replace("event.outcome: failure", "message|contains: needle")
    absent = sshd.replace("service: sshd", "service: sudo").replace("-111111111111", "-222222222222")
    cfg = with_rules(cfg, rules_of(tmp_path / "rules", sshd, absent))
    delta.create_tables(cfg)
    rows = [
        event(number, message=f"{number * 7919:>080}", event={"dataset": "linux.sshd"}, vendor=[("a.b", "c" * 500)])
        for number in range(2000)
    ]
    micro_batch.commit(cfg, 0, events=pa.RecordBatch.from_pylist(rows, schema=NESTED))
    tried, untried = (
        read_of(run(cfg, choose(cfg.detection, f"11111111-1111-4111-8111-{last * 12}", TODAY))) for last in "12"
    )
    assert (tried["tried"], untried["tried"]) == (2000, 0)
    [file] = lake.files(cfg)
    message = next(size for path, size in _chunks(cfg, file.path) if path == "message")
    values = next(size for path, size in _chunks(cfg, file.path) if path == "vendor.key_value.value")
    assert tried["bytes"] - untried["bytes"] == message
    assert untried["bytes"] < file.bytes - message - values


def _chunks(cfg: Config, path: str) -> list[tuple[str, int]]:
    group = pq.read_metadata(Path(delta.uri(cfg, "events"), path)).row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    return [(column.path_in_schema, column.total_compressed_size) for column in columns]


KEYWORDS = DRAFT.replace("  selection: {event.outcome: failure}", "  selection: [needle]")
VENDOR = DRAFT.replace("event.outcome: failure", "auditd.log.x: needle")
SIGMA = DRAFT.replace("event.outcome: failure", "Strange: needle")
LISTS = DRAFT.replace("event.outcome: failure", "related.user: needle")
MISSING = DRAFT.replace("event.outcome: failure", "message: null")

VALUES = st.sampled_from([None, "needle", "hay"])
EVENTS = st.lists(
    st.tuples(
        st.sampled_from([None, "linux.sshd", "linux.sudo", "other"]), VALUES, VALUES, VALUES, VALUES, st.booleans()
    ),
    max_size=12,
)


@pytest.mark.slow
@given(EVENTS, EVENTS, st.sampled_from([DRAFT, KEYWORDS, VENDOR, SIGMA, LISTS, MISSING]), st.booleans())
def test_read_late_is_matched_like_read_whole(
    tmp_path_factory: pytest.TempPathFactory, first: list[Any], second: list[Any], rule: str, says_channel: bool
) -> None:
    folder = tmp_path_factory.mktemp("lake")
    cfg = with_rules(settings(folder), rules_of(folder / "rules", rule))
    delta.create_tables(cfg)
    expected = []
    for number, drawn in enumerate((first, second)):
        rows = [
            event(
                number * 100 + at,
                event={"dataset": dataset, "original": original, "outcome": "failure" if failed else None},
                message=message,
                related={"user": [name, "hay"] if name else None},
                vendor=[
                    *([("auditd.log.x", vendor)] if vendor else []),
                    *([("Strange", vendor), ("Channel", "Security")] if says_channel and vendor else []),
                ],
            )
            for at, (dataset, original, message, name, vendor, failed) in enumerate(drawn)
        ]
        batch = pa.RecordBatch.from_pylist(rows, schema=NESTED)
        micro_batch.commit(cfg, number, events=batch)
        if rows:
            found = Ruleset.load([folder / "rules"]).match(flatten(batch))
            expected += [rows[row]["event"]["id"] for row in found["row"].to_pylist()]
    tasks = lake.tasks(cfg, lake.files(cfg), *EVER)
    chosen = choose(cfg.detection, "11111111-1111-4111-8111-111111111111", TODAY)
    matched = [row for task in tasks for batch in task.run(chosen) for row in batch.to_pylist() if row["rule_id"]]
    assert sorted(row["event_id"] for row in matched) == sorted(expected)


def test_a_keyword_is_looked_for_everywhere_where_there_is_no_raw_line(cfg: Config, tmp_path: Path) -> None:
    cfg = with_rules(cfg, rules_of(tmp_path / "rules", KEYWORDS))
    delta.create_tables(cfg)
    rows = [
        event(1, event={"dataset": "linux.sshd", "original": "a needle"}),
        event(2, event={"dataset": "linux.sshd"}, message="a needle"),
        event(3, event={"dataset": "linux.sshd", "original": "hay"}, message="a needle"),
    ]
    micro_batch.commit(cfg, 0, events=pa.RecordBatch.from_pylist(rows, schema=NESTED))
    found = run(cfg, choose(cfg.detection, "11111111-1111-4111-8111-111111111111", TODAY))
    assert [event_id for _, event_id, _ in matches_of(found)] == ["1", "2"]


def test_a_draft_takes_the_place_of_the_rule_that_has_its_id(cfg: Config, tmp_path: Path) -> None:
    cfg = with_rules(cfg, rules_of(tmp_path / "rules", DRAFT))
    draft = tmp_path / "draft.yml"
    draft.write_text(DRAFT.replace("A draft", "A better one").replace("failure", "success"), encoding="utf-8")
    assert choose(cfg.detection, str(draft), TODAY).rule.title == "A better one"
    assert choose(cfg.detection, "11111111-1111-4111-8111-111111111111", TODAY).rule.title == "A draft"


FILTER = """\
title: Our scanner
id: 33333333-3333-4333-8333-333333333333
logsource: {product: linux, service: sshd}
filter:
  rules: any
  scanner: {source.ip: 192.0.2.7}
  condition: not scanner
"""


def test_filters_of_the_set_apply_to_a_draft(cfg: Config, tmp_path: Path) -> None:
    cfg = with_rules(cfg, rules_of(tmp_path / "rules", FILTER))
    (tmp_path / "draft.yml").write_text(DRAFT, encoding="utf-8")
    delta.create_tables(cfg)
    rows = [
        event(number, event={"dataset": "linux.sshd", "outcome": "failure"}, source={"ip": address})
        for number, address in enumerate(["192.0.2.7", "192.0.2.8"])
    ]
    micro_batch.commit(cfg, 0, events=pa.RecordBatch.from_pylist(rows, schema=NESTED))
    found = run(cfg, choose(cfg.detection, str(tmp_path / "draft.yml"), TODAY))
    assert [event_id for _, event_id, _ in matches_of(found)] == ["1"]


def test_a_rule_that_only_feeds_a_correlation_raises_nothing(cfg: Config) -> None:
    chosen = choose(cfg.detection, "ssh_login_failed", TODAY)
    assert (chosen.correlation, chosen.rule.generate) == (False, False)
    brute = choose(cfg.detection, "8f13e29c-38cd-4557-abcc-4bf9ac587db7", TODAY)
    assert (brute.correlation, brute.counted) == (True, (chosen.id,))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("ssh_login_faild", "no rule has the id or name 'ssh_login_faild'"),
        ("no/such.yml", "cannot be read"),
        ("{two}", "holds 2 rules that raise alerts; write {two}#11111111-1111-4111-8111-111111111111, {two}#2"),
        ("{two}#other", "no rule has the id or name 'other'"),
        ("{broken}", "condition names 'selecton', not defined"),
    ],
)
def test_what_cannot_be_tried_is_said(cfg: Config, tmp_path: Path, rule: str, said: str) -> None:
    two, broken = tmp_path / "two.yml", tmp_path / "broken.yml"
    two.write_text(f"{DRAFT}---\n{DRAFT.replace('id: 1', 'id: 2')}", encoding="utf-8")
    broken.write_text(DRAFT.replace("condition: selection", "condition: selecton"), encoding="utf-8")
    with pytest.raises((HamrongError, InvalidFileError)) as error:
        choose(cfg.detection, rule.format(two=two, broken=broken), TODAY)
    assert said.format(two=two) in str(error.value)

import datetime
import json
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from hamrong.commands import sources
from hamrong.errors import HamrongError
from ingest.event import NESTED, nest
from ingest.sources import Register, System
from jobs.coverage import Coverage, Silent, Source, Unknown, coverage

UNTIL = datetime.datetime(2026, 3, 5, 2, tzinfo=datetime.UTC)
DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)
REGISTER = Register(
    tuple(System(name, name, name, "Sở", "Office") for name in ("portal", "mail", "never"))  # the owner's two names
)


def event(minutes_ago: int, system: str | None, host: str | None, **fields: str | list[str]) -> dict[str, object]:
    received = UNTIL - datetime.timedelta(minutes=minutes_ago)
    named = {name.replace("__", "."): value for name, value in fields.items()}
    return {"event.kind": "event", "event.ingested": received, "service.name": system, "host.name": host} | named


EVENTS = [
    *(event(5, "portal", "dvc-1", event__category=["web"], process__name="nginx") for _ in range(3)),
    event(6, "portal", "dvc-1", process__name="rsnapshot", message="echo \x1b[31mred"),
    event(200, "portal", "dvc-2", event__action="login"),
    event(300, "mail", "m1", event__kind="pipeline_error", message="no form"),
    event(10, None, "laptop", process__name="rsnapshot", message="echo b"),
    event(60 * 24 + 1, "never", "n1", event__action="too old"),
    event(-1, "never", "n1", event__action="not yet"),
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = str(tmp_path_factory.mktemp("lake") / "events")
    names = {name for row in EVENTS for name in row}
    kinds = {"event.ingested": pa.timestamp("us", "UTC"), "event.category": pa.list_(pa.string())}
    flat = pa.RecordBatch.from_pydict(
        {name: pa.array([row.get(name) for row in EVENTS], kinds.get(name, pa.string())) for name in names}
    )
    rows = pa.Table.from_batches([nest(flat)], NESTED)
    days = flat.column("event.ingested").cast(pa.date32())
    write_deltalake(place, rows.append_column("ingest_day", days), partition_by=["ingest_day"])
    return place


@pytest.fixture(scope="module")
def found(table: str) -> Coverage:
    return coverage(table, REGISTER, UNTIL, DAY, HOUR)


def ago(minutes: int) -> datetime.datetime:
    return UNTIL - datetime.timedelta(minutes=minutes)


def test_each_system_and_each_unregistered_host_has_its_share(found: Coverage) -> None:
    assert set(found.sources) == {
        Source("portal", None, 5, 4, 0, ago(5)),
        Source("mail", None, 1, 0, 1, ago(300)),
        Source(None, "laptop", 1, 0, 0, ago(10)),
        Source("never", None, 0, 0, 0, None),
    }
    assert found.sources[-1].system == "never"
    assert [source.share for source in found.sources if source.system == "portal"] == [0.8]


def test_unknown_programs_are_ranked(found: Coverage) -> None:
    assert found.unknown == (
        Unknown("rsnapshot", 2, 2, "echo \x1b[31mred"),
        Unknown(None, 1, 1, "no form"),
    )


def test_silent_are_systems_without_a_line_and_hosts_of_those_that_still_speak(found: Coverage) -> None:
    assert found.silent == (
        Silent("mail", None, ago(300)),
        Silent("never", None, None),
        Silent("portal", "dvc-2", ago(200)),
    )


def test_a_lake_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(HamrongError, match="is no lake yet"):
        coverage(str(tmp_path), REGISTER, UNTIL, DAY, HOUR)


def test_a_hostile_example_is_shown_as_text(found: Coverage, capsys: pytest.CaptureFixture[str]) -> None:
    sources.show(found, {"portal": "Cổng (Portal)"})
    shown = capsys.readouterr().out
    assert "\x1b[31mred" not in shown
    assert r"\x1b[31mred" in shown.replace("\n", "")
    assert "Cổng (Portal)" in shown
    assert "80.0%" in shown


def test_the_command_prints_json(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hamrong.cli import main

    monkeypatch.setenv("HAMRONG_LAKE_PATH", str(Path(table).parent))
    assert main(["sources", "report", "--json", "--hours", "99999"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert {"since", "until", "sources", "unknown", "silent"} == printed.keys()
    assert sum(source["lines"] for source in printed["sources"]) >= len(EVENTS) - 1

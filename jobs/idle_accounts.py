"""idle_accounts: accounts that nobody has used for long, as the value list `%idle_accounts%`.

In:   successful log-ins in the lake's `events`
Out:  `lists/idle_accounts.txt` in `detection.added`, which the rules take up like any changed list
Docs: docs/guide/detection.md, "The province's own systems"

A correlation remembers 31 days at most, so it can't know what was not there for 45. This remembers of each account the
day of its last log-in, in a file of the cache: the first run reads all days that the lake keeps, each later one those
since the last. Reads by deltalake, without Spark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from detectors.sigma.cache import read_json, write_whole
from detectors.sigma.lists import FOLDER, MAX_CHARACTERS
from hamrong.config import Config
from hamrong.errors import HamrongError
from jobs.sinks import delta

MOST = 20_000
"""Accounts of the list, the ones that were used last: a rule takes 50,000 values."""
FORGOTTEN_DAYS = 730
"""An account that was not used for so long is of nobody any more."""

_LOG_INS = """
select "user"['name'] as account, max(event['ingested']) as last from events
where ingest_day >= date '{since}' and array_has(event['category'], 'authentication')
  and event['outcome'] = 'success' and "user"['name'] is not null
  and (service['name'] is null or service['name'] not in ({public}))
group by 1
"""
_HEAD = """\
# %idle_accounts%: tài khoản không đăng nhập từ {before} trở lại đây, theo kho log. Viết lại mỗi đêm, đừng sửa tay.
# Accounts without a log-in since {before}, by the lake. Written anew each night: keep your own list elsewhere.
"""


@dataclass(frozen=True)
class Idle:
    file: Path
    accounts: int
    """In the list."""
    known: int
    """That have logged in at all."""
    left_out: int
    """Idle ones that are too many, or whose name fits no line."""
    before: date

    def sentence(self) -> str:
        more = f"; {self.left_out:,} more are left out" if self.left_out else ""
        return f"{self.accounts:,} of {self.known:,} accounts idle since {self.before} are in {self.file}{more}"


def refresh(cfg: Config, now: datetime) -> Idle:
    """Writes the list. Raises HamrongError without a lake, or when the list cannot be written."""
    place = delta.uri(cfg, "events")
    if not DeltaTable.is_deltatable(place):
        raise HamrongError(f"{cfg.lake.path}: holds no events yet; start the jobs with: hamrong run")
    today = now.astimezone(UTC).date()
    last = _remembered(cfg, place, today)
    before = today - timedelta(days=cfg.detection.idle_days)
    idle = sorted((name for name, day in last.items() if day < before), key=lambda name: (last[name], name))
    lines = [line for name in idle[-MOST:] if (line := _line(name))]
    file = cfg.detection.added / FOLDER / "idle_accounts.txt"
    _write(file, _HEAD.format(before=before) + "".join(f"{line}\n" for line in sorted(lines)))
    return Idle(file, len(lines), len(last), len(idle) - len(lines), before)


def _remembered(cfg: Config, place: str, today: date) -> dict[str, date]:
    """The last day of each account; the file is brought up to date."""
    file = cfg.detection.cache / "last-log-ins.json"
    public = sorted(cfg.detection.public_systems)
    known = read_json(file) or {}
    # Of another lake, or of other systems, it says nothing.
    if [known.get("lake"), known.get("public")] != [place, public]:
        known = {"until": date.min.isoformat(), "last": {}}
    last = {name: date.fromisoformat(day) for name, day in known["last"].items()}
    for name, day in _log_ins(place, date.fromisoformat(known["until"]), public).items():
        last[name] = max(day, last.get(name, day))
    oldest = today - timedelta(days=FORGOTTEN_DAYS)
    last = {name: day for name, day in last.items() if day >= oldest}
    written = {"lake": place, "public": public, "until": today.isoformat(), "last": last}
    write_whole(file, orjson.dumps(written))
    return last


def _log_ins(place: str, since: date, public: Iterable[str]) -> Mapping[str, date]:
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in public) or "''"
    query = _LOG_INS.format(since=since, public=quoted)
    rows = pa.table(QueryBuilder().register("events", DeltaTable(place)).execute(query))
    return {row["account"]: row["last"].astimezone(UTC).date() for row in rows.to_pylist()}


def _line(name: str) -> str:
    """As a value of a list, where `*` and `?` would stand for others; "" = no line says this."""
    escaped = re.sub(r"[\\*?]", r"\\\g<0>", name)
    fits = name.isprintable() and name == name.strip() and not re.search(r"(?:^|\s)#", name)
    return escaped if fits and len(escaped) <= MAX_CHARACTERS else ""


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f".{file.name}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(file)
    except OSError as error:
        raise HamrongError(f"{file}: cannot be written: {error.strerror}; see detection.added") from error

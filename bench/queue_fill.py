"""queue_fill: the alerts that `bench.queue` asks for.

In:   how many, which share waits; a former checkout, whose template may differ
Out:  months of alerts under `soc-alerts`, and the same under `former-alerts` as the former template has them
Docs: OpenSearch bulk, reindex
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from opensearchpy import OpenSearch
from rich.progress import Progress

from bench.made_alerts import DAYS, made_alerts
from dashboards.loader import install_templates, renamed
from detectors.alert import index_name

ALIAS, FORMER = "soc-alerts", "former-alerts"
CHUNK = 1_000


def fill(client: OpenSearch, count: int, waiting: float, former: Path | None) -> None:
    """Nothing is done twice: a node that an earlier run has filled is left as it is."""
    install_templates(client)
    if not client.indices.exists_alias(name=ALIAS):
        now = datetime.now(UTC)
        _months(client, ALIAS, now)
        with Progress() as progress:
            task = progress.add_task("alerts", total=count)
            alerts = made_alerts(count, waiting, now)
            while chunk := list(itertools.islice(alerts, CHUNK)):
                answer = client.bulk(body=b"".join(_lines(chunk)))
                if answer["errors"]:
                    raise RuntimeError(f"OpenSearch refuses alerts: {answer['items'][0]}")
                progress.advance(task, len(chunk))
    client.indices.refresh(index=f"{ALIAS}-*")
    if former and not client.indices.exists_alias(name=FORMER):
        template = renamed(json.loads((former / "dashboards/templates/soc-alerts.json").read_text("utf-8")), FORMER)
        client.indices.put_index_template(name=FORMER, body=template)
        for month in _months(client, FORMER, datetime.now(UTC)):
            body = {"source": {"index": month.replace(FORMER, ALIAS), "size": CHUNK}, "dest": {"index": month}}
            client.reindex(body=body, request_timeout=7200)
    for alias in (ALIAS, FORMER) if former else (ALIAS,):
        client.indices.put_settings(index=f"{alias}-*", body={"index": {"refresh_interval": "1s"}})
        client.indices.refresh(index=f"{alias}-*")
        print(f"{client.count(index=alias)['count']:,} alerts in {alias}", flush=True)


def _months(client: OpenSearch, alias: str, now: datetime) -> list[str]:
    """Indices of the last DAYS, which nobody reads before they are filled."""
    names = sorted({index_name(alias, now - timedelta(days=day)) for day in range(DAYS + 1)})
    for name in names:
        client.indices.create(index=name, body={"settings": {"index": {"refresh_interval": "-1"}}})
    return names


def _lines(alerts: list[dict[str, Any]]) -> Iterator[bytes]:
    for alert in alerts:
        inner = alert["soc"]["alert"]
        index = index_name(ALIAS, datetime.fromisoformat(inner["window_start"]))
        yield orjson.dumps({"index": {"_index": index, "_id": inner["id"]}}, option=orjson.OPT_APPEND_NEWLINE)
        yield orjson.dumps(alert, option=orjson.OPT_APPEND_NEWLINE)

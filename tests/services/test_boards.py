"""The search of every chart, control and Vega specification, on a real OpenSearch with alerts of every kind in it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import vl_convert
from opensearchpy import OpenSearch

from dashboards import build, queries, vega
from dashboards.loader import install_templates
from detectors.alert import Seen, Source, document, index_name
from triage.life import Change, change

pytestmark = pytest.mark.services

NOW = datetime.now(UTC)
FEATURE = {"name": "paths", "value": 90.0, "median": 2.0, "p99": 9.0, "share": 0.7}


def alert(number: int, detector: str, hours_ago: float, *steps: Change) -> dict[str, Any]:
    raised = NOW - timedelta(hours=hours_ago)
    sample = {
        "source": {"ip": f"203.0.113.{number}", "geo": {"country_iso_code": "NL"}},
        "host": {"name": "lgsp-01"},
        "service": {"name": "lgsp"},
        "organization": {"name": "Sở Khoa học và Công nghệ"},
    }
    tags = () if detector == "anomaly" else ("attack.credential-access", "attack.t1110.001")
    source = Source(id=f"rule-{number}", title=f"Luật {number}", level="high", detector=detector, tags=tags)
    extra = {"score": 0.71, "features": [FEATURE]} if detector == "anomaly" else {}
    seen = Seen("source.ip", f"203.0.113.{number}", raised, 300, 12, raised, raised, [sample], 4, extra)
    made = document(source, seen, raised)
    for minutes, step in enumerate(steps, start=1):
        made["soc"]["alert"] |= change(made["soc"]["alert"], step, "lan", raised + timedelta(minutes=minutes))
    return made


ALERTS = [
    alert(1, "sigma", 0.5),
    alert(2, "anomaly", 5),
    alert(3, "correlation", 30, Change("assign", "minh")),
    alert(4, "sigma", 80),
    alert(5, "sigma", 50, Change("acknowledge"), Change("close", "false_positive")),
    alert(6, "sigma", 50, Change("acknowledge"), Change("close", "true_positive")),
]
SOURCE = {
    "@timestamp": (NOW - timedelta(minutes=3)).isoformat(),
    "service": {"name": "portal"},
    "organization": {"name": "Văn phòng"},
    "soc": {
        "source": {
            "events": 9, "bytes": 900, "unparsed": 1, "unparsed_share": 0.1, "late": 1, "ahead": 1, "silent": False,
            "delay_seconds": 0.5, "ahead_seconds": 90.0, "landing_seconds": 2.0, "last_seen": NOW.isoformat(),
        }
    },
}  # fmt: skip
SILENT = {**SOURCE, "service": {"name": "lgsp"}, "soc": {"source": {"events": 0, "silent": True}}}


@pytest.fixture(scope="module")
def indices(opensearch_client: OpenSearch) -> Iterator[dict[str, str]]:
    """Where this module's documents lie, by the index pattern that finds them in production."""
    name = uuid.uuid4().hex[:8]
    alias, sources = f"boards{name}", f"soc-sources-{name}"
    install_templates(opensearch_client, alias=alias)
    for made in ALERTS:
        at = datetime.fromisoformat(made["soc"]["alert"]["window_start"])
        opensearch_client.index(index=index_name(alias, at), id=made["soc"]["alert"]["id"], body=made)
    for made in (SOURCE, SILENT):
        opensearch_client.index(index=sources, body=made)
    opensearch_client.indices.refresh(index=f"{alias}-*,{sources}")
    yield {"soc-alerts*": f"{alias}*", "soc-sources-*": sources}
    standing = opensearch_client.indices.get(index=f"{alias}-*")
    opensearch_client.indices.delete(index=",".join([*standing, sources]))
    opensearch_client.indices.delete_index_template(name=alias)


@pytest.mark.parametrize("source", build.boards(), ids=lambda path: path.stem)
def test_every_chart_of_a_board_is_filled(opensearch_client: OpenSearch, indices: dict[str, str], source: Path) -> None:
    empty = [
        search.title
        for search in queries.searches(build.built_file(source))
        if not queries.fills(search.body, opensearch_client.search(index=indices[search.index], body=search.body))
    ]
    assert empty == []


def test_a_chart_without_data_is_seen(opensearch_client: OpenSearch, indices: dict[str, str]) -> None:
    none: dict[str, Any] = {"bool": {"must_not": {"match_all": {}}}}
    for source in build.boards():
        for search in queries.searches(build.built_file(source)):
            body = {**search.body, "query": none}
            answer = opensearch_client.search(index=indices[search.index], body=body)
            counts = not search.body["size"] and all(agg.keys() & set(queries.COUNTING) for agg in aggs(search.body))
            assert queries.fills(body, answer) == counts, search.title


def aggs(body: dict[str, Any]) -> Iterable[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = body.get("aggs", {})
    return found.values()


@pytest.mark.parametrize(
    ("name", "shown"), [("attack", "T1110 Brute Force"), ("features", "Đường dẫn khác nhau"), ("map", "Hà Lan: 6")]
)
def test_a_vega_chart_draws_what_opensearch_answers(
    opensearch_client: OpenSearch, indices: dict[str, str], name: str, shown: str
) -> None:
    spec = json.loads(vega.written(name))
    for data in vega.asking(spec):
        url = data.pop("url")
        data["values"] = opensearch_client.search(index=indices[url["index"]], body=url["body"])
    text = json.dumps({**spec, "width": 600, "height": 400}).replace("opensearchDashboardsAddFilter(", "merge(")
    assert shown in str(vl_convert.vega_to_svg(text))


def test_a_rules_false_positive_rate_is_the_share_of_those_judged(
    opensearch_client: OpenSearch, indices: dict[str, str]
) -> None:
    body = {"size": 0, "aggs": {"rate": {"avg": {"field": "soc.alert.false_positive"}}}}
    answer = opensearch_client.search(index=indices["soc-alerts*"], body=body)
    assert answer["aggregations"]["rate"]["value"] == 0.5

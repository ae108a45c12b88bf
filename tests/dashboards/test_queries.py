"""What a chart asks, and when an answer leaves it empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards import build, queries

COUNTED: dict[str, Any] = {"size": 0, "aggs": {"2": {"terms": {"field": "rule.name"}}}}
METRIC: dict[str, Any] = {"size": 0, "aggs": {"1": {"avg": {"field": "soc.alert.minutes_to_close"}}}}


@pytest.mark.parametrize("source", build.boards(), ids=lambda path: path.stem)
def test_every_search_is_in_the_boards_time(source: Path) -> None:
    span = build.read(source)["time"]
    found = list(queries.searches(build.built_file(source)))
    assert len(found) > len(build.read(source)["panels"]) / 2
    for search in found:
        time = search.body["query"]["bool"]["filter"][0]
        assert time == {"range": {"@timestamp": {"gte": span["from"], "lte": span["to"]}}}


@pytest.mark.parametrize(
    ("body", "aggregations", "filled"),
    [
        ({"size": 0}, {}, True),
        (COUNTED, {}, False),
        (COUNTED, {"2": {"buckets": []}}, False),
        (COUNTED, {"2": {"buckets": [{"key": "x", "doc_count": 2}]}}, True),
        (COUNTED, {"2": {"buckets": {"Mới": {"doc_count": 0}}}}, False),
        (COUNTED, {"2": {"doc_count": 3, "names": {"buckets": []}}}, False),
        (COUNTED, {"2": {"buckets": [{"doc_count": 2, "1": {"value": None}, "3": {"value": None}}]}}, False),
        (COUNTED, {"2": {"buckets": [{"doc_count": 2, "1": {"value": None}, "3": {"value": 0}}]}}, True),
        (METRIC, {"1": {"value": None}}, False),
        (METRIC, {"1": {"value": 0.0}}, True),
        (METRIC, {"1": {"values": {"50.0": None}}}, False),
        (METRIC, {"1": {"values": {"50.0": 4.5}}}, True),
    ],
)
def test_an_answer_without_anything_to_show_is_told_from_one_with(
    body: dict[str, Any], aggregations: dict[str, Any], filled: bool
) -> None:
    assert queries.fills(body, {"hits": {"hits": []}, "aggregations": aggregations}) == filled


def test_a_list_is_filled_by_documents() -> None:
    assert queries.fills({"size": 50}, {"hits": {"hits": [{"_id": "1"}]}})
    assert not queries.fills({"size": 50}, {"hits": {"hits": []}})

"""queries: the search that each chart of a built board sends to OpenSearch.

In:   saved objects, as in `*.ndjson`
Out:  search bodies, and whether an answer would fill the chart
Docs: OpenSearch aggregations; Dashboards' AggConfigs.toDsl

Dashboards' import API takes a chart whose field or aggregation does not exist, and shows an error to the analyst. So
each search is run here first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Body = dict[str, Any]

METRICS = ("max", "min", "sum", "avg", "cardinality")


def searches(board: Path) -> Iterator[tuple[str, Body]]:
    """The title of each saved search, chart and control of a built board, and its search body."""
    for line in board.read_text(encoding="utf-8").splitlines():
        saved = json.loads(line)
        if saved["type"] == "search":
            yield saved["attributes"]["title"], _saved_search(saved["attributes"])
        elif saved["type"] == "visualization":
            yield from _chart(saved["attributes"])


def fills(body: Body, answer: Mapping[str, Any]) -> bool:
    """Whether the answer has something to show: documents, or a bucket; a metric always shows its number."""
    if body["size"]:
        return bool(answer["hits"]["hits"])
    # Without any index there is an answer, but no aggregation in it.
    found = answer.get("aggregations", {})
    return all(name in found and found[name].get("buckets", True) for name in body.get("aggs", {}))


def _saved_search(attributes: Mapping[str, Any]) -> Body:
    sort = [{field: {"order": order, "unmapped_type": "boolean"}} for field, order in attributes["sort"]]
    return {"size": 50, "query": _query(attributes), "sort": sort}


def _chart(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Body]]:
    state = json.loads(attributes["visState"])
    if state["type"] == "input_control_vis":
        for control in state["params"]["controls"]:
            terms = {"terms": {"field": control["fieldName"], "size": control["options"]["size"]}}
            yield f"{state['title']}: {control['label']}", {"size": 0, "aggs": {"values": terms}}
    elif state["aggs"]:
        metrics = [agg for agg in state["aggs"] if agg["schema"] == "metric"]
        buckets = [agg for agg in state["aggs"] if agg["schema"] != "metric"]
        yield state["title"], {"size": 0, "query": _query(attributes), "aggs": _aggregations(buckets, metrics)}


def _query(attributes: Mapping[str, Any]) -> Body:
    text = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
    return {"query_string": {"query": text, "analyze_wildcard": True}} if text else {"match_all": {}}


def _aggregations(buckets: Sequence[Mapping[str, Any]], metrics: Sequence[Mapping[str, Any]]) -> Body:
    """Each bucket inside the one before, the metrics at every level since any may order by them."""
    made = {agg["id"]: {agg["type"]: {"field": agg["params"]["field"]}} for agg in metrics if agg["type"] in METRICS}
    if not buckets:
        return made
    first, *rest = buckets
    return {**made, first["id"]: {**_bucket(first, set(made)), "aggs": _aggregations(rest, metrics)}}


def _bucket(agg: Mapping[str, Any], metrics: set[str]) -> Body:
    params = agg["params"]
    if agg["type"] == "date_histogram":
        spans = {"field": params["field"], "fixed_interval": "1h", "time_zone": params["time_zone"]}
        return {"date_histogram": {**spans, "min_doc_count": params["min_doc_count"]}}
    if agg["type"] == "terms":
        by = params["orderBy"] if params["orderBy"] in metrics else "_count"
        return {"terms": {"field": params["field"], "size": params["size"], "order": {by: params["order"]}}}
    raise KeyError(agg["type"])

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards import vega

Body = dict[str, Any]

METRICS = ("max", "min", "sum", "avg", "cardinality")
COUNTING = ("sum", "cardinality")
"""Metrics that answer with a number whatever there is; of nothing, the others have none."""


@dataclass(frozen=True)
class Search:
    title: str
    """Of the saved search, chart or control."""
    index: str
    """The indices that it asks, as the index pattern names them."""
    body: Body


def searches(board: Path) -> Iterator[Search]:
    """The search of each saved search, chart and control of a built board, in the board's own time."""
    objects = [json.loads(line) for line in board.read_text(encoding="utf-8").splitlines()]
    [pattern] = [saved["attributes"] for saved in objects if saved["type"] == "index-pattern"]
    [shown] = [saved["attributes"] for saved in objects if saved["type"] == "dashboard"]
    time = {"range": {pattern["timeFieldName"]: {"gte": shown["timeFrom"], "lte": shown["timeTo"]}}}
    for title, index, body in _asked(objects, pattern["title"]):
        yield Search(title, index, {**body, "query": {"bool": {"filter": [time, body["query"]]}}})


def _asked(objects: Sequence[Mapping[str, Any]], index: str) -> Iterator[tuple[str, str, Body]]:
    for saved in objects:
        attributes = saved["attributes"]
        if saved["type"] == "search":
            yield attributes["title"], index, _saved_search(attributes)
        elif saved["type"] == "visualization":
            for title, body in _chart(attributes):
                yield title, index, body
            for asked, body in _vega(attributes):
                yield attributes["title"], asked, body


def fills(body: Body, answer: Mapping[str, Any]) -> bool:
    """Whether the answer has something to show: documents, a bucket, a number; without any aggregation, the count."""
    if body["size"]:
        return bool(answer["hits"]["hits"])
    # Without any index there is an answer, but no aggregation in it.
    found = answer.get("aggregations", {})
    return all(name in found and _has_values(found[name]) for name in body.get("aggs", {}))


def _has_values(found: Mapping[str, Any]) -> bool:
    """A bucket with documents in it, here or further in, or a metric's number."""
    inner = [value for value in found.values() if isinstance(value, Mapping) and "buckets" in value]
    if inner:
        return all(_has_values(value) for value in inner)
    if "buckets" in found:
        buckets = found["buckets"]
        return any(_is_filled(bucket) for bucket in (buckets.values() if isinstance(buckets, Mapping) else buckets))
    numbers = found["values"].values() if "values" in found else [found.get("value")]
    return all(number is not None for number in numbers)


def _is_filled(bucket: Mapping[str, Any]) -> bool:
    """It has documents, and of its metrics, if there are any, one has a number."""
    metrics = [value for value in bucket.values() if isinstance(value, Mapping) and value.keys() & {"value", "values"}]
    return bool(bucket["doc_count"]) and (not metrics or any(_has_values(metric) for metric in metrics))


def _saved_search(attributes: Mapping[str, Any]) -> Body:
    sort = [{field: {"order": order, "unmapped_type": "boolean"}} for field, order in attributes["sort"]]
    return {"size": 50, "query": _query(attributes), "sort": sort}


def _chart(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Body]]:
    state = json.loads(attributes["visState"])
    if state["type"] == "input_control_vis":
        for control in state["params"]["controls"]:
            terms = {"terms": {"field": control["fieldName"], "size": control["options"]["size"]}}
            body = {"size": 0, "query": {"match_all": {}}, "aggs": {"values": terms}}
            yield f"{state['title']}: {control['label']}", body
    elif state["aggs"]:
        metrics = [agg for agg in state["aggs"] if agg["schema"] == "metric"]
        buckets = [agg for agg in state["aggs"] if agg["schema"] != "metric"]
        yield state["title"], {"size": 0, "query": _query(attributes), "aggs": _aggregations(buckets, metrics)}


def _vega(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Body]]:
    """Indices and body of each data query, in which all that have a time stand for the board's filters."""
    state = json.loads(attributes["visState"])
    if state["type"] == "vega":
        for data in vega.asking(json.loads(state["params"]["spec"])):
            url = data["url"]
            yield url["index"], {**url["body"], "query": {"exists": {"field": url["%timefield%"]}}}


def _query(attributes: Mapping[str, Any]) -> Body:
    text = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
    return {"query_string": {"query": text, "analyze_wildcard": True}} if text else {"match_all": {}}


def _aggregations(buckets: Sequence[Mapping[str, Any]], metrics: Sequence[Mapping[str, Any]]) -> Body:
    """Each bucket inside the one before, the metrics in every one, since any may order by them."""
    made = {agg["id"]: _metric(agg) for agg in metrics if agg["type"] != "count"}
    if not buckets:
        return made
    first, *rest = buckets
    inner = {**made, **_aggregations(rest, metrics)}
    return {first["id"]: {**_bucket(first, set(made)), "aggs": inner}}


def _metric(agg: Mapping[str, Any]) -> Body:
    field = {"field": agg["params"]["field"]}
    if agg["type"] == "median":
        return {"percentiles": {**field, "percents": [50]}}
    if agg["type"] not in METRICS:
        raise KeyError(agg["type"])
    return {agg["type"]: field}


def _bucket(agg: Mapping[str, Any], metrics: set[str]) -> Body:
    params = agg["params"]
    if agg["type"] == "date_histogram":
        spans = {"field": params["field"], "fixed_interval": "1h", "time_zone": params["time_zone"]}
        return {"date_histogram": {**spans, "min_doc_count": params["min_doc_count"]}}
    if agg["type"] == "histogram":
        return {"histogram": {"field": params["field"], "interval": params["interval"], "min_doc_count": 1}}
    if agg["type"] == "filters":
        inputs = {one["label"]: {"query_string": {"query": one["input"]["query"]}} for one in params["filters"]}
        return {"filters": {"filters": inputs}}
    if agg["type"] == "terms":
        by = params["orderBy"] if params["orderBy"] in metrics else "_count"
        return {"terms": {"field": params["field"], "size": params["size"], "order": {by: params["order"]}}}
    raise KeyError(agg["type"])

"""charts: what is wrong with a `visState`.

In:   the state, the fields of its index pattern
Out:  one sentence for each fault
Docs: OpenSearch Dashboards 3.x plugins visualizations (Vis, build_pipeline), data (search/aggs), vis_type_metric,
      vis_type_table, vis_type_vislib, vis_type_markdown, vis_type_vega, input_control_vis
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Fields = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Type:
    """A type that a stock Dashboards registers, as far as boards use it."""

    needs: tuple[str, ...]
    """Parameters that its code reads without asking whether they are there. Only the outermost have a default."""
    schemas: tuple[str, ...] = ()
    """Parts that an aggregation may play; the first is the metric's, and there must be one."""


_AXES = Type(
    (
        "categoryAxes.0.id", "categoryAxes.0.position", "categoryAxes.0.title", "categoryAxes.0.labels",
        "valueAxes.0.id", "valueAxes.0.position", "valueAxes.0.labels", "valueAxes.0.scale.type",
        "seriesParams.0.show", "seriesParams.0.type", "seriesParams.0.valueAxis", "seriesParams.0.data.id",
        "grid.categoryLines", "labels", "thresholdLine.show",
    ),
    ("metric", "segment", "group"),
)  # fmt: skip
TYPES = {
    "metric": Type(
        (
            "metric.colorsRange.0.from", "metric.colorsRange.0.to", "metric.labels.show", "metric.style.fontSize",
            "metric.percentageMode", "metric.useRanges", "metric.metricColorMode",
        ),
        ("metric", "group"),
    ),
    "table": Type(
        ("perPage", "showPartialRows", "showMetricsAtAllLevels", "showTotal", "totalFunc"), ("metric", "bucket")
    ),
    "pie": Type(("labels.show", "labels.values", "labels.last_level", "isDonut"), ("metric", "segment")),
    "histogram": _AXES,
    "horizontal_bar": _AXES,
    "line": _AXES,
    "markdown": Type(("markdown", "fontSize", "openLinksInNewTab")),
    "vega": Type(("spec",)),
    # Without any control, its code reduces an empty list.
    "input_control_vis": Type(
        ("controls.0.id", "controls.0.fieldName", "controls.0.indexPatternRefName", "controls.0.type",
         "controls.0.parent", "controls.0.options.type")
    ),
}  # fmt: skip

NUMBERS = {"number"}
VALUES = {"string", "number", "date", "ip", "boolean"}
AGGREGATIONS = {
    "count": None,
    "filters": None,
    "max": {"number", "date"},
    "min": {"number", "date"},
    "sum": NUMBERS,
    "avg": NUMBERS,
    "median": NUMBERS,
    "cardinality": VALUES,
    "terms": VALUES,
    "histogram": NUMBERS,
    "date_histogram": {"date"},
}
"""Kinds of field that each takes; None = no field."""


def faults(state: Mapping[str, Any], known: Fields, indexed: bool) -> Iterator[str]:
    """`indexed`: whether its search names an index pattern."""
    if state["type"] not in TYPES:
        yield f"is of type {state['type']}: known are {', '.join(TYPES)}"
        return
    kind = TYPES[state["type"]]
    for path in kind.needs:
        if not _has(state["params"], path):
            yield f"lacks the parameter {path}, without which a {state['type']} fails"
    aggs = state["aggs"]
    if aggs and not indexed:
        yield "counts, but its search has no index pattern"
    if kind.schemas and not any(agg["schema"] == kind.schemas[0] for agg in aggs):
        yield "has no metric"
    yield from _roles(state, kind)
    for agg in aggs:
        yield from _aggregation(agg, aggs, known)
    for control in state["params"].get("controls", []):
        yield from _field(control["fieldName"], VALUES, known, "a control")
    if len({agg["id"] for agg in aggs}) != len(aggs):
        yield "has two aggregations of one id"


def query_faults(query: str, known: Fields) -> Iterator[str]:
    for name in sorted(fields_of(query)):
        if not known.get(name, {}).get("searchable"):
            yield f"asks for the field {name}, which cannot be searched"


def fields_of(query: str) -> set[str]:
    """The fields that a Lucene query names."""
    return (set(re.findall(r"([@\w.]+):", query)) - {"_exists_"}) | set(re.findall(r"_exists_:([@\w.]+)", query))


def _has(params: Any, path: str) -> bool:
    for part in path.split("."):
        if isinstance(params, list):
            if int(part) >= len(params):
                return False
            params = params[int(part)]
        elif isinstance(params, Mapping) and part in params:
            params = params[part]
        else:
            return False
    return True


def _roles(state: Mapping[str, Any], kind: Type) -> Iterator[str]:
    """What part each aggregation plays, and that each series has a metric and an axis."""
    roles = [agg["schema"] for agg in state["aggs"]]
    for role in sorted(set(roles) - set(kind.schemas)):
        yield f"has an aggregation as {role}, which a {state['type']} does not know"
    if kind is _AXES:
        if roles.count("segment") > 1:
            yield "has more than one aggregation along its axis"
        metrics = [agg["id"] for agg in state["aggs"] if agg["schema"] == "metric"]
        series = state["params"].get("seriesParams", [])
        if [one["data"]["id"] for one in series] != metrics:
            yield "does not draw each of its metrics as one series"
        axes = {axis["id"] for axis in state["params"].get("valueAxes", [])}
        yield from (f"has a series on the axis {one['valueAxis']}" for one in series if one["valueAxis"] not in axes)


def _aggregation(agg: Mapping[str, Any], aggs: list[Mapping[str, Any]], known: Fields) -> Iterator[str]:
    kind, params = agg["type"], agg["params"]
    if kind not in AGGREGATIONS:
        yield f"aggregates by {kind}, which boards do not use: known are {', '.join(AGGREGATIONS)}"
        return
    kinds = AGGREGATIONS[kind]
    if kinds is not None:
        yield from _field(params["field"], kinds, known, kind)
    if kind == "terms" and params["orderBy"] != "_key":
        metrics = {one["id"] for one in aggs if one["schema"] == "metric"}
        if params["orderBy"] not in metrics:
            yield f"orders the values of {params['field']} by {params['orderBy']}, which is none of its metrics"
    for one in params.get("filters", []):
        if one["input"]["language"] != "lucene":
            yield f"filters {one['label']} in {one['input']['language']}: write lucene"
        yield from query_faults(one["input"]["query"], known)


def _field(name: str, kinds: set[str], known: Fields, by: str) -> Iterator[str]:
    field = known.get(name)
    if field is None:
        yield f"aggregates the field {name}, which is not mapped"
    elif not field["aggregatable"]:
        yield f"aggregates the field {name}, which has no doc values"
    elif "nested" in field.get("subType", {}):
        yield f"aggregates the field {name}, which lies in a nested object"
    elif field["type"] not in kinds:
        yield f"aggregates the field {name} by {by}: it is a {field['type']}"

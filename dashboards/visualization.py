"""visualization: one chart of a board source -> what Dashboards keeps as its `visState`.

In:   a chart: type, metrics, buckets, or the text or controls of a type that counts nothing
Out:  `visState`, the references it makes, its `uiState`
Docs: OpenSearch Dashboards plugins vis_type_metric, vis_type_vislib, vis_type_table, vis_type_markdown, vis_type_vega,
      input_control_vis
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards import vega
from hamrong import zone

AXIS_TYPES = ("histogram", "horizontal_bar", "line")
METRICS = ("max", "min", "sum", "avg", "median", "cardinality")
KEYS = {"markdown": {"text"}, "input_control_vis": {"controls"}, "vega": {"spec"}}
COUNTING = {"query", "metrics", "buckets"}
BUCKET_KEYS = {"date": set(), "histogram": {"interval"}, "filters": set(), "terms": {"size", "by"}}
"""What a bucket is made by, and what else that wants."""

State = dict[str, Any]


def state(
    chart: Mapping[str, Any], pattern_id: str, queries: Mapping[str, str], links: str
) -> tuple[State, list[State]]:
    """`visState` and references; `links` stands for `{boards}` in a text. Raises KeyError on a type, a key or the name
    of a query or file that is not known."""
    kind = chart["type"]
    _refuse_unknown(chart, {"title", "type", *KEYS.get(kind, COUNTING)})
    references: list[State] = []
    aggs: list[State] = []
    if kind == "markdown":
        text = chart["text"].replace("{boards}", links)
        params = {"markdown": text, "fontSize": 12, "openLinksInNewTab": False}
    elif kind == "vega":
        params = {"spec": vega.written(chart["spec"])}
    elif kind == "input_control_vis":
        params = _controls(chart["controls"])
        references = [
            {"name": control["indexPatternRefName"], "type": "index-pattern", "id": pattern_id}
            for control in params["controls"]
        ]
    else:
        metrics = [_metric(number, metric) for number, metric in enumerate(chart.get("metrics", [{}]), start=1)]
        first = len(metrics) + 1
        buckets = [
            _bucket(number, bucket, kind, queries)
            for number, bucket in enumerate(chart.get("buckets", []), start=first)
        ]
        params = _axes(kind, metrics) if kind in AXIS_TYPES else PARAMS[kind]
        aggs = metrics + buckets
    return {"title": chart["title"], "type": kind, "params": params, "aggs": aggs}, references


def ui_state(chart: Mapping[str, Any], formats: Mapping[str, Any]) -> State:
    """The colours of a field's values, by the names that are shown."""
    colors: dict[str, str] = {}
    for bucket in chart.get("buckets", []):
        rule = formats.get(bucket.get("terms"), {})
        colors |= {rule["names"][value]: color for value, color in rule.get("colors", {}).items()}
    return {"vis": {"colors": colors}} if colors else {}


def _metric(number: int, metric: Mapping[str, Any]) -> State:
    _refuse_unknown(metric, {"label", *METRICS})
    kind = next((name for name in METRICS if name in metric), "count")
    params = {} if kind == "count" else {"field": metric[kind]}
    return _agg(number, kind, "metric", {**params, **_label(metric)})


def _bucket(number: int, bucket: Mapping[str, Any], chart_type: str, queries: Mapping[str, str]) -> State:
    made_by = next((name for name in BUCKET_KEYS if name in bucket), "terms")
    _refuse_unknown(bucket, {"label", "as", made_by, *BUCKET_KEYS[made_by]})
    schema = bucket.get("as", "bucket" if chart_type == "table" else "segment")
    kind, params = _BUCKETS[made_by](bucket, queries)
    return _agg(number, kind, schema, {**params, **_label(bucket)})


def _dates(bucket: Mapping[str, Any], _: Mapping[str, str]) -> tuple[str, State]:
    return "date_histogram", {
        "field": bucket["date"],
        "interval": "auto",
        # Whatever the reader's browser says.
        "time_zone": zone.NAME,
        "min_doc_count": 1,
        "drop_partials": False,
        "useNormalizedOpenSearchInterval": True,
        "scaleMetricValues": False,
        "extended_bounds": {},
    }


def _numbers(bucket: Mapping[str, Any], _: Mapping[str, str]) -> tuple[str, State]:
    bounds = {"has_extended_bounds": False, "extended_bounds": {"min": "", "max": ""}}
    return "histogram", {"field": bucket["histogram"], "interval": bucket["interval"], "min_doc_count": False, **bounds}


def _filters(bucket: Mapping[str, Any], queries: Mapping[str, str]) -> tuple[str, State]:
    """Documents of each query of the board that is named, under the label that it has here."""
    return "filters", {
        "filters": [
            {"input": {"query": queries[name], "language": "lucene"}, "label": label}
            for name, label in bucket["filters"].items()
        ]
    }


def _terms(bucket: Mapping[str, Any], _: Mapping[str, str]) -> tuple[str, State]:
    return "terms", {
        "field": bucket["terms"],
        "size": bucket["size"],
        "order": "desc",
        "orderBy": str(bucket.get("by", 1)),
        "otherBucket": False,
        "otherBucketLabel": "Khác",
        "missingBucket": False,
        "missingBucketLabel": "Không rõ",
    }


_BUCKETS = {"date": _dates, "histogram": _numbers, "filters": _filters, "terms": _terms}


def _agg(number: int, kind: str, schema: str, params: State) -> State:
    return {"id": str(number), "enabled": True, "type": kind, "schema": schema, "params": params}


def _label(part: Mapping[str, Any]) -> State:
    return {"customLabel": part["label"]} if "label" in part else {}


def _refuse_unknown(part: Mapping[str, Any], known: set[str]) -> None:
    """A misspelt key would be an option that silently does nothing."""
    for name in part:
        if name not in known:
            raise KeyError(name)


def _controls(controls: list[Mapping[str, Any]]) -> State:
    return {
        "controls": [
            {
                "id": str(number),
                "indexPatternRefName": f"control_{number}_index_pattern",
                "fieldName": control["field"],
                "label": control["label"],
                "parent": "",
                "type": "list",
                "options": {"type": "terms", "multiselect": True, "dynamicOptions": True, "size": 50, "order": "desc"},
            }
            for number, control in enumerate(controls)
        ],
        "updateFiltersOnChange": True,
        "useTimeFilter": True,
        "pinFilters": False,
    }


def _axes(kind: str, metrics: list[State]) -> State:
    across = kind == "horizontal_bar"
    shape = "line" if kind == "line" else "histogram"
    labels = [metric["params"].get("customLabel", "") for metric in metrics]
    return {
        "type": shape,
        "grid": {"categoryLines": False},
        "categoryAxes": [
            {
                "id": "CategoryAxis-1",
                "type": "category",
                "position": "left" if across else "bottom",
                "show": True,
                "style": {},
                "scale": {"type": "linear"},
                "labels": {"show": True, "rotate": 0, "filter": not across, "truncate": 200 if across else 100},
                "title": {},
            }
        ],
        "valueAxes": [
            {
                "id": "ValueAxis-1",
                "name": "BottomAxis-1" if across else "LeftAxis-1",
                "type": "value",
                "position": "bottom" if across else "left",
                "show": True,
                "style": {},
                "scale": {"type": "linear", "mode": "normal"},
                "labels": {"show": True, "rotate": 0, "filter": across, "truncate": 100},
                "title": {"text": labels[0]},
            }
        ],
        "seriesParams": [
            {
                "show": True,
                "type": shape,
                "mode": "normal" if kind == "line" else "stacked",
                "data": {"label": label, "id": metric["id"]},
                "valueAxis": "ValueAxis-1",
                "drawLinesBetweenPoints": True,
                "lineWidth": 2,
                "showCircles": True,
            }
            for label, metric in zip(labels, metrics, strict=True)
        ],
        "addTooltip": True,
        "addLegend": True,
        "legendPosition": "right",
        "times": [],
        "addTimeMarker": False,
        "labels": {"show": False},
        "thresholdLine": {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"},
    }


PARAMS: dict[str, State] = {
    "metric": {
        "type": "metric",
        "addTooltip": True,
        "addLegend": False,
        "metric": {
            "percentageMode": False,
            "useRanges": False,
            "colorSchema": "Green to Red",
            "metricColorMode": "None",
            "colorsRange": [{"from": 0, "to": 10000}],
            "labels": {"show": True},
            "invertColors": False,
            "style": {"bgFill": "#000", "bgColor": False, "labelColor": False, "subText": "", "fontSize": 40},
        },
    },
    "pie": {
        "type": "pie",
        "addTooltip": True,
        "addLegend": True,
        "legendPosition": "right",
        "isDonut": True,
        "labels": {"show": True, "values": True, "last_level": True, "truncate": 100},
    },
    "table": {
        "perPage": 10,
        "showPartialRows": False,
        "showMetricsAtAllLevels": False,
        "showTotal": False,
        "totalFunc": "sum",
        "percentageCol": "",
    },
}

"""Each way in which a chart or a list can be broken is found."""

from __future__ import annotations

import pytest

from tests.dashboards.faults.breaking import Break, Saved, broken, drop, put


def without_pattern(saved: Saved) -> None:
    saved["references"] = []
    source = '{"query":{"query":"","language":"lucene"},"filter":[]}'
    saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"] = source


CHARTS: dict[str, tuple[str, str, Break, str]] = {
    "a type that is not there": ("ca-truc-khan", "visState", put("type", value="metrik"), "is of type metrik"),
    "a parameter that the type's code reads": (
        "ca-truc-khan", "visState", drop("params", "metric", "labels"), "lacks the parameter metric.labels.show",
    ),
    "no value axis": (
        "ca-truc-theo-gio", "visState", put("params", "valueAxes", value=[]), "lacks the parameter valueAxes.0.id",
    ),
    "no control": ("ca-truc-loc", "visState", put("params", "controls", value=[]), "lacks the parameter controls.0.id"),
    "a missing field": (
        "ca-truc-muc-do", "visState", put("aggs", 1, "params", "field", value="soc.alert.severty"),
        "aggregates the field soc.alert.severty, which is not mapped",
    ),
    "a field of unfit type": (
        "ca-truc-doi-tuong", "visState", put("aggs", 1, "params", "field", value="soc.alert.severity"),
        "aggregates the field soc.alert.severity by max: it is a string",
    ),
    "a date histogram of no date": (
        "ca-truc-theo-gio", "visState", put("aggs", 1, "params", "field", value="soc.alert.count"),
        "aggregates the field soc.alert.count by date_histogram: it is a number",
    ),
    "a text without doc values": (
        "ca-truc-muc-do", "visState", put("aggs", 1, "params", "field", value="soc.alert.reason_vi"),
        "aggregates the field soc.alert.reason_vi, which has no doc values",
    ),
    "a field in a nested object": (
        "ca-truc-muc-do", "visState", put("aggs", 1, "params", "field", value="soc.alert.features.name"),
        "aggregates the field soc.alert.features.name, which lies in a nested object",
    ),
    "a control of a missing field": (
        "ca-truc-loc", "visState", put("params", "controls", 0, "fieldName", value="gone"),
        "aggregates the field gone, which is not mapped",
    ),
    "an aggregation that is not there": (
        "ca-truc-muc-do", "visState", put("aggs", 1, "type", value="term"), "aggregates by term, which",
    ),
    "a part that the type does not know": (
        "ca-truc-muc-do", "visState", put("aggs", 1, "schema", value="bucket"), "has an aggregation as bucket",
    ),
    "two along the axis": (
        "ca-truc-theo-gio", "visState", put("aggs", 2, "schema", value="segment"), "more than one aggregation along",
    ),
    "no metric": ("ca-truc-muc-do", "visState", drop("aggs", 0), "has no metric"),
    "an order by what is not counted": (
        "ca-truc-muc-do", "visState", put("aggs", 1, "params", "orderBy", value="7"), "by 7, which is none of",
    ),
    "a metric that is not drawn": (
        "ca-truc-theo-gio", "visState", put("params", "seriesParams", 0, "data", "id", value="9"),
        "does not draw each of its metrics",
    ),
    "a series on no axis": (
        "ca-truc-theo-gio", "visState", put("params", "seriesParams", 0, "valueAxis", value="ValueAxis-2"),
        "has a series on the axis ValueAxis-2",
    ),
    "two aggregations of one id": (
        "ca-truc-muc-do", "visState", put("aggs", 1, "id", value="1"), "has two aggregations of one id",
    ),
    "a filter by a missing field": (
        "ca-truc-tuoi", "visState", put("aggs", 1, "params", "filters", 0, "input", "query", value="gone:1"),
        "asks for the field gone, which cannot be searched",
    ),
    "a filter that OpenSearch cannot run": (
        "ca-truc-tuoi", "visState", put("aggs", 1, "params", "filters", 0, "input", "language", value="kuery"),
        "in kuery: write lucene",
    ),
    "a query for a missing field": (
        "ca-truc-khan", "searchSourceJSON", put("query", "query", value="_exists_:gone"),
        "asks for the field gone, which cannot be searched",
    ),
    "a query for a field that is kept only": (
        "ca-truc-hang-doi", "searchSourceJSON", put("query", "query", value="soc.alert.runbook:x"),
        "asks for the field soc.alert.runbook, which cannot be searched",
    ),
    "a query in another language": (
        "ca-truc-khan", "searchSourceJSON", put("query", "language", value="kuery"), "asks in kuery",
    ),
    "a chart without index pattern": (
        "ca-truc-khan", "", without_pattern,
        "counts, but its search has no index pattern",
    ),
    "a column that is not mapped": (
        "ca-truc-hang-doi", "", put("attributes", "columns", 0, value="gone"), "shows the field gone",
    ),
    "an order by a text": (
        "ca-truc-hang-doi", "", put("attributes", "sort", 0, value=["message", "asc"]), "sorts by message, which",
    ),
    "an order of one level": (
        "ca-truc-hang-doi", "", put("attributes", "sort", value=["@timestamp", "desc"]), "sorts by @timestamp: write",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("identity", "attribute", "change", "what"), CHARTS.values(), ids=CHARTS.keys())
def test_a_broken_chart_or_list_is_found(identity: str, attribute: str, change: Break, what: str) -> None:
    found = broken("ca-truc", identity, attribute, change)
    assert any(what in one for one in found), found

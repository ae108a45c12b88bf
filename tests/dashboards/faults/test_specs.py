"""Each way in which a Vega specification can be broken before it is drawn is found."""

from __future__ import annotations

import json

import pytest

from dashboards import vega
from tests.dashboards.faults.breaking import Break, Saved, broken, drop, put


def specified(change: Break) -> Break:
    """The change of a Vega specification, in the state that holds it as text."""

    def inner(state: Saved) -> None:
        spec = json.loads(state["params"]["spec"])
        change(spec)
        state["params"]["spec"] = json.dumps(spec)

    return inner


def url(spec: Saved) -> Saved:
    """The search of the heat map's cells."""
    found: Saved = next(vega.asking(spec))["url"]
    return found


SPECS: dict[str, tuple[Break, str]] = {
    "a Vega of a later version": (
        put("$schema", value="https://vega.github.io/schema/vega/v6.json"), "does not name Vega 5",
    ),
    "warnings over the chart": (drop("config"), "does not hide warnings"),
    "a search of no index pattern": (
        lambda spec: url(spec).update(index="soc-alarms*"), "which is no index pattern's title",
    ),
    "a search without the board's filters": (
        lambda spec: url(spec).pop("%context%"), "without the board's filters",
    ),
    "a search without a time field": (
        lambda spec: url(spec).pop("%timefield%"), "by the time field '', which is no date",
    ),
    "a query beside the context": (
        lambda spec: url(spec)["body"].update(query={"match_all": {}}), "refused beside a context",
    ),
    "an aggregation of a missing field": (
        lambda spec: url(spec)["body"].update(aggs={"cells": {"terms": {"field": "gone"}}}),
        "aggregates the field gone",
    ),
    "data from outside": (
        lambda spec: spec["data"].append({"name": "far", "url": "https://example.org/a.json"}), "nothing from outside",
    ),
    "values beside a search": (lambda spec: spec["data"][1].update(values=[]), "has values or a source for cells"),
    "two data sets of one name": (lambda spec: spec["data"].append({"name": "cells"}), "has two data sets cells"),
    "a click that no mark sends": (
        put("signals", 0, "on", 0, "events", value="@sell:click"), "waits for @sell:click, which no mark sends",
    ),
    "a filter of no index pattern": (
        put("signals", 0, "on", 0, "update", value="opensearchDashboardsAddFilter({\"term\": {\"a\": 1}}, 'soc', 'x')"),
        "filters by an index that is no index pattern's title",
    ),
    "a filter by a missing field": (
        put("signals", 0, "on", 0, "update",
            value="opensearchDashboardsAddFilter({\"term\": {\"gone\": 1}}, 'soc-alerts*', 'x')"),
        "filters by the field gone",
    ),
    "a word that leads out of the chart": (
        lambda spec: spec["signals"].append({"name": "out", "update": "event.view.alert"}), "uses view in an",
    ),
    "a member by expression": (
        lambda spec: spec["signals"].append({"name": "any", "update": "datum[slice('abc', 1)]"}), "names a member by",
    ),
    "a signal before there is a size": (
        lambda spec: spec["signals"].append({"name": "half", "init": "width / 2"}), "before the chart has its size",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "what"), SPECS.values(), ids=SPECS.keys())
def test_a_broken_specification_is_found(change: Break, what: str) -> None:
    found = broken("tong-quan", "tong-quan-attack", "visState", specified(change))
    assert any(what in one for one in found), found


def test_a_specification_that_is_no_json_is_found() -> None:
    found = broken("tong-quan", "tong-quan-attack", "visState", put("params", "spec", value="{data: ["))
    assert "is not JSON" in found[0]

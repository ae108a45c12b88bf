"""Every Vega specification compiles and draws what OpenSearch answers, and names only what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import vl_convert

from dashboards import build, mapping, vega
from detectors.anomaly.features import NAMES
from hamrong.errors import InvalidFileError

SPECS = sorted(vega.FOLDER.glob("*.json"))
specs = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(vega.written(path.stem))
    return content


def svg(spec: dict[str, Any], answers: dict[str, Any]) -> str:
    """Drawn as Dashboards does: at its panel's size, with the answer for the search; its own function, which only a
    click calls, is one of Vega's here."""
    for data in vega.asking(spec):
        data["values"] = answers[data["name"]]
        del data["url"]
    text = json.dumps({**spec, "width": 600, "height": 400}).replace("opensearchDashboardsAddFilter(", "merge(")
    return str(vl_convert.vega_to_svg(text))


ANSWERS: dict[str, dict[str, Any]] = {
    "attack": {
        "cells": {
            "aggregations": {
                "cells": {
                    "buckets": [
                        {"key": {"tactic": "Impact", "technique": "T1486"}, "doc_count": 17},
                        {"key": {"tactic": "Discovery", "technique": "T1046"}, "doc_count": 3},
                    ]
                }
            }
        }
    },
    "features": {
        "features": {
            "aggregations": {
                "features": {
                    "names": {
                        "buckets": [
                            {"key": "paths", "doc_count": 5, "share": {"value": 0.4}},
                            {"key": "brand_new", "doc_count": 2, "share": {"value": 0.1}},
                        ]
                    }
                }
            }
        }
    },
}
SHOWN = {"attack": ["T1486", "T1046", ">17<", ">3<"], "features": ["Đường dẫn khác nhau", "brand_new"]}


@specs
def test_it_compiles_and_draws_the_answer(path: Path) -> None:
    drawn = svg(read(path), ANSWERS[path.stem])
    assert all(text in drawn for text in SHOWN[path.stem])
    assert "NaN" not in drawn


@specs
def test_without_any_alert_it_draws_nothing_and_does_not_fail(path: Path) -> None:
    drawn = svg(read(path), {data["name"]: {} for data in vega.asking(read(path))})
    assert not any(text in drawn for text in SHOWN[path.stem])


def test_a_broken_specification_is_seen() -> None:
    broken = read(vega.FOLDER / "attack.json")
    broken["signals"][0]["on"][0]["update"] = "nosuchfunction(datum)"
    with pytest.raises(ValueError, match="nosuchfunction"):
        svg(broken, ANSWERS["attack"])


@specs
def test_it_asks_by_the_boards_time_and_filters_and_names_mapped_fields(path: Path) -> None:
    spec = read(path)
    patterns = {pattern["title"]: name for name, pattern in build.index_patterns().items()}
    for data in vega.asking(spec):
        url = data["url"]
        known = mapping.fields(mapping.template(patterns[url["index"]]))
        assert url["%context%"] is True
        assert known[url["%timefield%"]].kind == "date"
        assert "query" not in url["body"], "Dashboards refuses it beside a context"
        for name in named(url["body"]):
            assert known[name].stored_in_columns
        for term, index in re.findall(r'"term": \{"([\w.]+)"|, \'([\w*-]+)\', ', json.dumps(spec).replace('\\"', '"')):
            assert (term in known and known[term].indexed) if term else index in patterns


def named(body: Any) -> Iterator[str]:
    """The fields of every aggregation."""
    if isinstance(body, dict):
        if isinstance(body.get("field"), str):
            yield body["field"]
        for value in body.values():
            yield from named(value)
    elif isinstance(body, list):
        for value in body:
            yield from named(value)


@specs
def test_a_click_on_what_is_drawn_adds_a_filter(path: Path) -> None:
    spec = read(path)
    names = {mark.get("name") for mark in spec["marks"]}
    clicks = [on for signal in spec["signals"] for on in signal["on"]]
    assert clicks
    for on in clicks:
        assert re.fullmatch(r"@(\w+):click", on["events"])[1] in names  # type: ignore[index]
        assert on["update"].startswith("opensearchDashboardsAddFilter(")


def test_every_feature_has_its_name_in_vietnamese() -> None:
    (labels,) = (data for data in read(vega.FOLDER / "features.json")["data"] if data["name"] == "labels")
    assert {label["name"] for label in labels["values"]} == set(NAMES)


def test_every_specification_is_on_a_board() -> None:
    used = {
        chart["spec"]
        for source in build.boards()
        for chart in build.read(source)["visualizations"].values()
        if chart["type"] == "vega"
    }
    assert used == {path.stem for path in SPECS}


def test_a_specification_that_is_not_there_is_an_error_with_its_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    text = (build.OBJECTS / "tong-quan.yml").read_text(encoding="utf-8")
    broken.write_text(text.replace("spec: attack", "spec: atack"), encoding="utf-8")
    with pytest.raises(InvalidFileError, match="'atack'"):
        build.build(broken)

"""What Dashboards' import API would take and then show as an empty panel is refused here."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import build, mapping
from detectors.alert import SEVERITIES
from hamrong.errors import InvalidFileError

STOCK_TYPES = {
    "area", "gauge", "goal", "heatmap", "histogram", "horizontal_bar", "input_control_vis", "line", "markdown",
    "metric", "metrics", "pie", "region_map", "table", "tagcloud", "tile_map", "timelion", "vega",
}  # fmt: skip
KINDS_OF_METRIC = {
    "max": {"number", "date"}, "min": {"number", "date"}, "sum": {"number"}, "avg": {"number"}, "median": {"number"},
    "cardinality": {"string", "number", "date", "ip"},
}  # fmt: skip

boards = pytest.mark.parametrize("source", build.boards(), ids=lambda path: path.stem)


def objects(source: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in build.built_file(source).read_text(encoding="utf-8").splitlines()]


def embedded(saved: dict[str, Any], name: str) -> Any:
    """An attribute that holds JSON in a string."""
    attributes = saved["attributes"]
    return json.loads(attributes["kibanaSavedObjectMeta"][name] if name == "searchSourceJSON" else attributes[name])


def charts(source: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for saved in objects(source):
        if saved["type"] == "visualization":
            yield saved, embedded(saved, "visState")


def known_fields(source: Path) -> dict[str, mapping.Field]:
    """The fields of the index pattern that the board shows."""
    (pattern,) = (saved for saved in objects(source) if saved["type"] == "index-pattern")
    return mapping.fields(mapping.template(pattern["id"]))


@boards
def test_the_built_file_is_fresh_and_building_is_the_same_each_time(source: Path) -> None:
    assert build.build(source) == build.built_file(source).read_text(encoding="utf-8") == build.build(source)


@boards
def test_every_reference_is_used_and_points_into_the_same_file_before_it(source: Path) -> None:
    seen: set[tuple[str, str]] = set()
    for saved in objects(source):
        named = set(re.findall(r'RefName\\*":\\*"([\w.]+)', json.dumps(saved["attributes"])))
        assert {reference["name"] for reference in saved["references"]} == named, saved["id"]
        assert {(reference["type"], reference["id"]) for reference in saved["references"]} <= seen, saved["id"]
        assert (saved["type"], saved["id"]) not in seen
        seen.add((saved["type"], saved["id"]))


@boards
def test_charts_are_of_stock_types_and_say_the_type_twice_alike(source: Path) -> None:
    for saved, state in charts(source):
        assert state["type"] in STOCK_TYPES
        assert state["title"] == saved["attributes"]["title"]
        assert len({agg["id"] for agg in state["aggs"]}) == len(state["aggs"])


@boards
def test_every_field_of_a_chart_is_mapped_with_a_type_that_fits(source: Path) -> None:
    known = known_fields(source)
    for saved, state in charts(source):
        metrics = {agg["id"] for agg in state["aggs"] if agg["schema"] == "metric"}
        for agg in state["aggs"]:
            if agg["type"] == "count":
                continue
            if agg["type"] == "filters":
                for one in agg["params"]["filters"]:
                    assert one["input"]["language"] == "lucene"
                    assert all(known[name].indexed for name in fields_of(one["input"]["query"]))
                continue
            field = known[agg["params"]["field"]]
            assert field.stored_in_columns, (saved["id"], field)
            if agg["type"] == "date_histogram":
                assert field.kind == "date"
            elif agg["type"] == "histogram":
                assert field.kind == "number"
            elif agg["type"] == "terms":
                assert agg["params"]["orderBy"] in metrics
            else:
                assert field.kind in KINDS_OF_METRIC[agg["type"]]
        for control in state["params"].get("controls", []):
            assert known[control["fieldName"]].stored_in_columns


def fields_of(query: str) -> set[str]:
    """The fields that a Lucene query names."""
    return (set(re.findall(r"([@\w.]+):", query)) - {"_exists_"}) | set(re.findall(r"_exists_:([@\w.]+)", query))


@boards
def test_columns_sorts_and_queries_name_mapped_fields(source: Path) -> None:
    known = known_fields(source)
    for saved in objects(source):
        if saved["type"] == "search":
            assert set(saved["attributes"]["columns"]) <= known.keys()
            assert all(known[field].stored_in_columns for field, _ in saved["attributes"]["sort"])
        if saved["type"] in ("search", "visualization"):
            query = embedded(saved, "searchSourceJSON")["query"]
            assert query["language"] == "lucene"
            for name in fields_of(query["query"]):
                assert known[name].indexed, (saved["id"], name)


@boards
def test_the_index_pattern_lists_the_mapped_fields_and_formats_only_those(source: Path) -> None:
    (pattern,) = (saved for saved in objects(source) if saved["type"] == "index-pattern")
    listed = {field["name"]: field for field in embedded(pattern, "fields")}
    known = known_fields(source)
    assert listed.keys() - build.META_FIELDS.keys() == known.keys()
    assert listed[pattern["attributes"]["timeFieldName"]]["type"] == "date"
    assert embedded(pattern, "fieldFormatMap").keys() <= known.keys()


def test_the_alerts_pattern_says_what_its_fields_are_and_leads_to_the_alert_page() -> None:
    (pattern,) = (saved for saved in objects(build.OBJECTS / "ca-truc.yml") if saved["type"] == "index-pattern")
    listed = {field["name"]: field for field in embedded(pattern, "fields")}
    assert listed["soc.alert.reason_vi.keyword"]["subType"] == {"multi": {"parent": "soc.alert.reason_vi"}}
    assert listed["soc.alert.features.value"]["subType"] == {"nested": {"path": "soc.alert.features"}}
    assert listed["soc.alert.reason_vi"]["aggregatable"] is False
    formats = embedded(pattern, "fieldFormatMap")
    assert formats["soc.alert.false_positive"] == {"id": "percent", "params": {"pattern": "0,0.0%"}}
    assert formats["soc.alert.id"]["params"]["urlTemplate"] == "/soc/alert/{{value}}"
    severities = formats["soc.alert.severity"]["params"]["lookupEntries"]
    assert {entry["key"] for entry in severities} == set(SEVERITIES)


@boards
def test_panels_fill_the_grid_without_overlap(source: Path) -> None:
    (board,) = (saved for saved in objects(source) if saved["type"] == "dashboard")
    places = [panel["gridData"] for panel in embedded(board, "panelsJSON")]
    assert len(places) == len(board["references"])
    assert all(place["x"] + place["w"] <= 48 for place in places)
    for one, other in itertools.combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


@boards
def test_a_board_refreshes_and_its_text_is_composed_unicode(source: Path) -> None:
    (board,) = (saved for saved in objects(source) if saved["type"] == "dashboard")
    assert board["attributes"]["refreshInterval"] == {"pause": False, "value": 30_000}
    text = build.built_file(source).read_text(encoding="utf-8")
    assert unicodedata.normalize("NFC", text) == text


@boards
def test_days_begin_in_viet_nam(source: Path) -> None:
    zones = [
        agg["params"]["time_zone"]
        for _, state in charts(source)
        for agg in state["aggs"]
        if agg["type"] == "date_histogram"
    ]
    assert set(zones) <= {"Asia/Ho_Chi_Minh"}


def test_severities_have_their_colours_under_the_names_that_are_shown() -> None:
    states = {state["title"]: embedded(saved, "uiStateJSON") for saved, state in charts(build.OBJECTS / "ca-truc.yml")}
    assert states["Cảnh báo theo thời gian"]["vis"]["colors"]["Nghiêm trọng"] == "#8a1c1c"
    assert (
        states["Luật báo nhiều nhất"]["vis"]["colors"].keys()
        == states["Cảnh báo theo thời gian"]["vis"]["colors"].keys()
    )


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("query: waiting", "query: wating", "wating"),
        ("query: urgent", "quiery: urgent", "quiery"),
        ("type: pie", "type: pei", "pei"),
        ("size: 12", "sise: 12", "sise"),
        ("{max: soc.alert.risk_score", "{maxx: soc.alert.risk_score", "maxx"),
        ("  hang-doi: [0", "  hang-dio: [0", "hang-dio"),
        ("index_pattern: soc-alerts", "index_pattern: soc-alrets", "soc-alrets"),
    ],
)
def test_a_name_that_nothing_defines_is_an_error_with_its_line(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = (build.OBJECTS / "ca-truc.yml").read_text(encoding="utf-8")
    assert old in text
    broken = tmp_path / "broken.yml"
    broken.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InvalidFileError) as caught:
        build.build(broken)
    (problem,) = caught.value.problems
    assert f"'{named}'" in problem.what
    assert named in broken.read_text(encoding="utf-8").splitlines()[problem.line - 1]


def test_a_missing_key_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(
        (build.OBJECTS / "ca-truc.yml").read_text(encoding="utf-8").replace("{from: now-7d", "{form: now-7d")
    )
    with pytest.raises(InvalidFileError, match=r"broken\.yml:1: 'from' is missing"):
        build.build(broken)


@boards
def test_every_board_leads_to_all_boards(source: Path) -> None:
    texts = [state["params"]["markdown"] for _, state in charts(source) if state["type"] == "markdown"]
    linked = set(re.findall(r"\(#/view/([\w-]+)\)", " ".join(texts)))
    assert linked == {path.stem for path in build.boards()}


def test_the_boards_of_the_issue_are_there() -> None:
    titles = {yaml.safe_load(path.read_text(encoding="utf-8"))["title"] for path in build.boards()}
    assert titles >= {"Ca trực", "Tổng quan", "Nguồn log", "Bất thường", "Hiệu quả", "Theo hệ thống"}


def test_a_filter_names_a_query_of_its_board(tmp_path: Path) -> None:
    text = (build.OBJECTS / "hieu-qua.yml").read_text(encoding="utf-8")
    broken = tmp_path / "broken.yml"
    broken.write_text(text.replace("{hour: Dưới", "{houre: Dưới"), encoding="utf-8")
    with pytest.raises(InvalidFileError, match="'houre'"):
        build.build(broken)

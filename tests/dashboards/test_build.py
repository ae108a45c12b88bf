"""Boards are built whole, the same each time, in Vietnamese, and a name that nothing defines is refused."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import build, mapping
from hamrong import zone
from hamrong.errors import InvalidFileError
from triage import words

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


@boards
def test_the_built_file_is_fresh_and_building_is_the_same_each_time(source: Path) -> None:
    assert build.build(source) == build.built_file(source).read_text(encoding="utf-8") == build.build(source)


@boards
def test_the_index_pattern_lists_the_mapped_fields(source: Path) -> None:
    (pattern,) = (saved for saved in objects(source) if saved["type"] == "index-pattern")
    listed = {field["name"]: field for field in embedded(pattern, "fields")}
    known = mapping.fields(mapping.template(pattern["id"]))
    assert listed.keys() - build.META_FIELDS.keys() == known.keys()


def test_the_alerts_pattern_says_what_its_fields_are_and_leads_to_the_alert_page() -> None:
    (pattern,) = (saved for saved in objects(build.OBJECTS / "ca-truc.yml") if saved["type"] == "index-pattern")
    listed = {field["name"]: field for field in embedded(pattern, "fields")}
    assert listed["soc.alert.reason_vi.keyword"]["subType"] == {"multi": {"parent": "soc.alert.reason_vi"}}
    assert listed["soc.alert.features.value"]["subType"] == {"nested": {"path": "soc.alert.features"}}
    assert listed["soc.alert.reason_vi"]["aggregatable"] is False
    assert (listed["src_ip"]["type"], listed["src_ip"]["esTypes"]) == ("ip", ["ip"]), "Sigma's name of a field"
    formats = embedded(pattern, "fieldFormatMap")
    assert formats["soc.alert.false_positive"] == {"id": "percent", "params": {"pattern": "0,0.0%"}}
    assert formats["soc.alert.id"]["params"]["urlTemplate"] == "/soc/alert/{{value}}"


@pytest.mark.parametrize(
    ("field", "called"),
    [("severity", words.SEVERITY), ("status", words.STATUS), ("verdict", words.VERDICT), ("detector", words.DETECTOR),
     ("entity.type", words.ENTITY)],
)  # fmt: skip
def test_values_are_called_as_on_the_alert_page(field: str, called: dict[str, words.Words]) -> None:
    rule = build.index_patterns()["soc-alerts"]["formats"][f"soc.alert.{field}"]
    assert rule["names"] == {value: vietnamese for value, (vietnamese, _) in called.items()}


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
    assert set(zones) <= {zone.NAME}


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


def test_a_list_on_a_board_says_its_order_itself() -> None:
    (board,) = (saved for saved in objects(build.OBJECTS / "ca-truc.yml") if saved["type"] == "dashboard")
    (listed,) = (panel["embeddableConfig"] for panel in embedded(board, "panelsJSON") if panel["embeddableConfig"])
    assert listed["sort"] == [["soc.alert.risk_score", "desc"], ["@timestamp", "desc"]]
    assert "soc.alert.id" in listed["columns"]


def test_the_default_index_pattern_is_one_that_is_built() -> None:
    """Without a default, Dashboards opens no board."""
    settings = build.read(build.SETTINGS)
    assert settings["defaultIndex"] in build.index_patterns()
    assert settings["dateFormat:tz"] == zone.NAME


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

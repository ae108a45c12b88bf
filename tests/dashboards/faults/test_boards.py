"""Each way in which a board can be broken that Dashboards' import API takes without a word is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards import build
from dashboards.faults import faults
from hamrong.errors import InvalidFileError
from tests.dashboards.faults.breaking import Break, broken, drop, objects, put

REFERENCES: dict[str, tuple[str, str, str, Break, str]] = {
    "a reference to nothing": (
        "ca-truc", "ca-truc-khan", "", put("references", 0, "id", value="gone"),
        "points to the index-pattern gone, which is not there before it",
    ),
    "a reference's name that does not resolve": (
        "ca-truc", "ca-truc-khan", "searchSourceJSON", put("indexRefName", value="index_1"),
        "names the reference index_1, which it does not have",
    ),
    "a control's name that does not resolve": (
        "ca-truc", "ca-truc-loc", "visState", put("params", "controls", 0, "indexPatternRefName", value="control_9"),
        "names the reference control_9, which it does not have",
    ),
    "a panel that points nowhere": (
        "ca-truc", "ca-truc", "panelsJSON", drop(0, "panelRefName"), "has the panel 0, which points nowhere",
    ),
    "a panel whose reference is missing": (
        "ca-truc", "ca-truc", "", drop("references", 0), "names the reference panel_0, which it does not have",
    ),
    "a panel to an object that is not there": (
        "ca-truc", "ca-truc", "", put("references", 0, "id", value="ca-truc-gone"),
        "points to the visualization ca-truc-gone, which is not there before it",
    ),
    "a panel over another": (
        "ca-truc", "ca-truc", "panelsJSON", put(0, "gridData", "w", value=20), "has the panel 1 over another",
    ),
    "a panel outside the grid": (
        "ca-truc", "ca-truc", "panelsJSON", put(7, "gridData", "w", value=49), "has the panel 7 outside the 48 columns",
    ),
    "a panel of an old version": (
        "ca-truc", "ca-truc", "panelsJSON", put(7, "version", value="6.2.4"), "of version 6.2.4, whose place",
    ),
    "a panel of another's number": (
        "ca-truc", "ca-truc", "panelsJSON", put(7, "panelIndex", value="6"), "has two panels of one number",
    ),
    "a list that does not say its order": (
        "ca-truc", "ca-truc", "panelsJSON", lambda panels: [panel.update(embeddableConfig={}) for panel in panels],
        "without the columns and order of ca-truc-hang-doi",
    ),
    "a form of another version": (
        "ca-truc", "ca-truc-khan", "", put("migrationVersion", "visualization", value="8.0.0"),
        "has the form of version 8.0.0",
    ),
}  # fmt: skip
PATTERNS: dict[str, tuple[str, str, str, Break, str]] = {
    "an index pattern without index": (
        "tong-quan", "soc-alerts", "", put("attributes", "title", value="soc-alarms*"),
        "has the title 'soc-alarms*', which fits no index",
    ),
    "an index pattern without name": (
        "nguon-log", "soc-sources", "", put("attributes", "title", value=""), "has the title '', which fits no index",
    ),
    "a time field that is none": (
        "ca-truc", "soc-alerts", "", put("attributes", "timeFieldName", value="rule.name"),
        "has the time field rule.name, which is no date",
    ),
    "a field of which too little is known": (
        "ca-truc", "soc-alerts", "fields", drop(9, "readFromDocValues"), "does not say of the field",
    ),
    "a format of a field that is not listed": (
        "ca-truc", "soc-alerts", "fieldFormatMap", put("gone", value={"id": "url"}), "formats the field gone",
    ),
    "a format that is not there": (
        "ca-truc", "soc-alerts", "fieldFormatMap", put("soc.alert.id", "id", value="link"), "as link, which is no",
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", build.boards(), ids=lambda path: path.stem)
def test_our_boards_have_none(source: Path) -> None:
    assert faults(objects(source.stem)) == []


OTHERS = REFERENCES | PATTERNS


@pytest.mark.parametrize(("board", "identity", "attribute", "change", "what"), OTHERS.values(), ids=OTHERS.keys())
def test_a_broken_board_or_index_pattern_is_found(
    board: str, identity: str, attribute: str, change: Break, what: str
) -> None:
    found = broken(board, identity, attribute, change)
    assert any(what in one for one in found), found


def test_an_object_that_is_there_twice_is_found() -> None:
    made = objects("ca-truc")
    assert [fault.what for fault in faults([*made, made[1]])] == [
        "is there twice: the second takes the place of the first"
    ]


def test_building_refuses_a_fault_with_its_line(tmp_path: Path) -> None:
    text = (build.OBJECTS / "ca-truc.yml").read_text(encoding="utf-8")
    source = tmp_path / "ca-truc.yml"
    source.write_text(text.replace("{max: soc.alert.risk_score", "{max: soc.alert.severity"), encoding="utf-8")
    with pytest.raises(
        InvalidFileError, match=r"ca-truc\.yml:\d+: doi-tuong aggregates the field soc\.alert\.severity"
    ):
        build.build(source)

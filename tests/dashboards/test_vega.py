"""Every Vega specification compiles and draws what OpenSearch answers, and names only what there is."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import vl_convert

from dashboards import build, vega
from detectors.anomaly.features import NAMES
from hamrong.errors import InvalidFileError
from triage.words import TACTIC_VI

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


def cell(tactic: str, technique: str, name: str, count: int) -> dict[str, Any]:
    """As OpenSearch answers; the alert names another technique first."""
    named = {"id": ["T1595", technique], "name": ["Active Scanning", name]}
    one = {"hits": {"hits": [{"_source": {"threat": {"technique": named}}}]}}
    return {"key": {"tactic": tactic, "technique": technique}, "doc_count": count, "one": one}


def buckets(*path: str, of: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer in which the buckets lie at the path."""
    inner: dict[str, Any] = {"buckets": of}
    for name in reversed(path):
        inner = {name: inner}
    return {"aggregations": inner}


CELLS = [
    cell("TA0040", "T1486", "Data Encrypted for Impact", 17),
    cell("TA0007", "T1046", "Network Service Discovery", 3),
]
FEATURES = [
    {"key": "paths", "doc_count": 5, "share": {"value": 0.4}},
    {"key": "brand_new", "doc_count": 2, "share": {"value": 0.1}},
]
COUNTRIES = [
    {"key": "VN", "doc_count": 41, "addresses": {"value": 7}},
    {"key": "NL", "doc_count": 2, "addresses": {"value": 1}},
    {"key": "ZZ", "doc_count": 6, "addresses": {"value": 5}},
]
ANSWERS = {
    "attack": {"cells": buckets("cells", of=CELLS)},
    "features": {"features": buckets("features", "names", of=FEATURES)},
    "map": {"found": buckets("countries", of=COUNTRIES)},
}
SHOWN = {
    "attack": ["T1486 Data Encrypted for Impact", "T1046 Network Service Discovery", ">17<", ">3<", "Dò tìm nội bộ"],
    "features": ["Đường dẫn khác nhau", "brand_new"],
    "map": ["Việt Nam: 41", "Hà Lan: 2", "Ngoài bản đồ: 6 cảnh báo", "Quần đảo Hoàng Sa (Việt Nam)"],
}
NOTHING = {
    "attack": "Chưa cảnh báo nào gắn với kỹ thuật ATT&amp;CK",
    "features": "Chưa có cảnh báo bất thường nào",
    "map": "Chưa cảnh báo nào cho biết quốc gia của địa chỉ nguồn",
}


@pytest.mark.slow
@specs
def test_it_compiles_and_draws_the_answer(path: Path) -> None:
    drawn = svg(read(path), ANSWERS[path.stem])
    assert [text for text in SHOWN[path.stem] if text not in drawn] == []
    assert "NaN" not in drawn
    assert NOTHING[path.stem] not in drawn
    assert "Active Scanning" not in drawn


@specs
def test_without_any_alert_it_says_so(path: Path) -> None:
    drawn = svg(read(path), {data["name"]: {} for data in vega.asking(read(path))})
    assert NOTHING[path.stem] in drawn
    assert "NaN" not in drawn


def test_an_alert_of_before_techniques_had_names_is_drawn() -> None:
    old = cell("TA0006", "T1110.001", "", 4)
    del old["one"]["hits"]["hits"][0]["_source"]["threat"]["technique"]["name"]
    drawn = svg(read(vega.FOLDER / "attack.json"), {"cells": buckets("cells", of=[old])})
    assert ">T1110.001<" in drawn


def test_a_broken_specification_is_seen() -> None:
    broken = read(vega.FOLDER / "attack.json")
    broken["signals"][0]["on"][0]["update"] = "nosuchfunction(datum)"
    with pytest.raises(ValueError, match="nosuchfunction"):
        svg(broken, ANSWERS["attack"])


def test_tactics_are_called_as_on_the_alert_page() -> None:
    (tactics,) = (data for data in read(vega.FOLDER / "attack.json")["data"] if data["name"] == "tactics")
    assert [(tactic["id"], tactic["name"]) for tactic in tactics["values"]] == list(TACTIC_VI.items())


def test_countries_have_a_code_and_a_place_each() -> None:
    (countries,) = (data for data in read(vega.FOLDER / "map.json")["data"] if data["name"] == "countries")
    codes = [country["code"] for country in countries["values"]]
    assert codes == sorted(set(codes))
    assert all(re.fullmatch("[A-Z]{2}", code) for code in codes)
    for country in countries["values"]:
        assert unicodedata.is_normalized("NFC", country["name"])
        assert -180 <= country["longitude"] <= 180
        assert -60 <= country["latitude"] <= 84


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

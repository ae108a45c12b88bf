"""The alert of a window: who, what is unusual against what is usual, in both languages."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from detectors.anomaly.alerts import RULE_ID, alerts, amount, level, reasons
from detectors.anomaly.features import NAMES
from detectors.anomaly.forest import Carried, Forest, Model, fit

NOW = datetime(2026, 3, 31, 2, 30, tzinfo=UTC)
HOUR = datetime(2026, 3, 31, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def model() -> Model:
    random = np.random.default_rng(3)
    rows = pa.table(
        {
            "entity_type": ["source.ip"] * 400,
            **{name: random.poisson(6, 400).astype(float) for name in NAMES},
            **{name: random.random(400) / 10 for name in ("failure_share", "error_share", "night_share")},
        }
    )
    return fit(rows, 3600, 0.005, HOUR, NOW)


def window(entity: str, **values: float) -> dict[str, Any]:
    return {
        "entity_type": "source.ip",
        "entity_value": entity,
        "window_start": HOUR,
        "first_seen": HOUR,
        "last_seen": NOW,
        "systems": ["portal"],
        "samples": [orjson.dumps({"service": {"name": "portal"}, "url": {"path": "/{count}"}}).decode()],
        **dict.fromkeys(NAMES, 6.0),
        "failure_share": 0.05,
        "error_share": 0.05,
        "night_share": 0.05,
        **values,
    }


SCAN = {"events": 420.0, "paths": 412.0, "hosts": 60.0}


def raised(model: Model, *windows: dict[str, Any]) -> list[dict[str, Any]]:
    return alerts(model, pa.RecordBatch.from_pylist(list(windows)), lambda systems: 4 if systems else 3, NOW)


def test_only_the_unusual_window_raises_and_it_says_why(model: Model) -> None:
    [alert] = raised(model, window("203.0.113.1"), window("203.0.113.7", **SCAN), window("203.0.113.2", events=7))
    assert alert["rule"]["id"] == RULE_ID
    assert alert["service"] == {"name": "portal"}
    soc = alert["soc"]["alert"]
    assert soc["entity"] == {"type": "source.ip", "value": "203.0.113.7"}
    assert (soc["count"], soc["asset_level"], soc["detector"]) == (420, 4, "anomaly")
    assert soc["severity"] in ("medium", "high")
    assert soc["score"] > soc["threshold"]
    assert soc["reason_vi"].startswith("203.0.113.7: ")
    assert "khoảng 412 đường dẫn khác nhau" in soc["reason_vi"]
    assert "trong 1 giờ (thường ≤ " in soc["reason_vi"]
    assert "about 412 different paths" in soc["reason"]
    assert unicodedata.is_normalized("NFC", soc["reason_vi"])
    named = {feature["name"]: feature for feature in soc["features"]}
    assert named["paths"]["value"] == 412
    assert named["paths"]["median"] < named["paths"]["p99"] < 20


def test_a_window_that_grows_keeps_its_alert(model: Model) -> None:
    [early] = raised(model, window("203.0.113.7", **SCAN))
    [late] = raised(model, window("203.0.113.7", **{**SCAN, "events": 900.0}))
    [other] = raised(model, window("203.0.113.8", **SCAN))
    assert early["soc"]["alert"]["id"] == late["soc"]["alert"]["id"] != other["soc"]["alert"]["id"]
    assert late["soc"]["alert"]["count"] == 900


def test_an_entity_that_looks_like_a_template_stays_text(model: Model) -> None:
    [alert] = raised(model, window("{count}<script>", **SCAN))
    assert alert["soc"]["alert"]["reason_vi"].startswith("{count}<script>: ")


def test_no_window_no_alert(model: Model) -> None:
    assert raised(model, window("203.0.113.1")) == []


def test_a_window_that_is_nowhere_high_is_called_a_rare_combination() -> None:
    vi, en = reasons("user.name", [Carried("peers", 3, 1, 5, 1.0)], 300)
    assert vi == "{entity}: 3 địa chỉ nguồn khác nhau trong 5 phút (thường ≤ 5); sự kết hợp này hiếm gặp"
    assert en == "{entity}: 3 different source addresses in 5 minutes (usually ≤ 5); together these are rare"


def test_features_above_their_range_come_first_and_the_window_is_named_once() -> None:
    carried = [Carried("hosts", 1, 1, 2, 0.6), Carried("paths", 30, 4, 14, 0.3), Carried("bytes", 4.2e9, 1e4, 2e6, 0.1)]
    vi, en = reasons("source.ip", carried, 3600)
    assert vi == "{entity}: 30 đường dẫn khác nhau trong 1 giờ (thường ≤ 14); 4,2 GB dữ liệu trao đổi (thường ≤ 2,0 MB)"
    assert en == "{entity}: 30 different paths in 1 hour (usually ≤ 14); 4.2 GB exchanged (usually ≤ 2.0 MB)"


@pytest.mark.parametrize(
    ("name", "value", "vi", "en"),
    [
        ("events", 12_345, "12\u202f345", "12\u202f345"),
        ("paths", 99, "99", "99"),
        ("paths", 4120, "khoảng 4\u202f120", "about 4\u202f120"),
        ("error_share", 0.954, "95 %", "95%"),
        ("bytes", 999, "999 B", "999 B"),
        ("bytes", 1500, "1,5 kB", "1.5 kB"),
        ("bytes", 3e15, "3000 TB", "3000 TB"),
    ],
)
def test_amounts(name: str, value: float, vi: str, en: str) -> None:
    assert (amount(name, value, 0), amount(name, value, 1)) == (vi, en)


def test_levels_rise_with_the_score() -> None:
    forest = Forest(None, 100, threshold=0.55, highest=0.6, median=(), p99=())
    assert [level(score, forest) for score in (0.56, 0.61, 0.66)] == ["low", "medium", "high"]

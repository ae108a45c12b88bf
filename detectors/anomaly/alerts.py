"""alerts: windows above the threshold -> alert documents that say what is unusual about them.

In:   a model and rows of `features.features`
Out:  alert documents (`detectors.alert`), with the score and its features under `soc.alert`
Docs: docs/decisions/0005-anomaly.md
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa

from detectors.alert import Seen, Source, document
from detectors.anomaly.features import FEATURES
from detectors.anomaly.forest import Carried, Forest, Model, explain, flagged, score

RULE_ID = "anomaly.isolation-forest"

MARGIN = 0.05
"""So far above every training window a score is `high`: path scans and password sprays of some hundred lines, in the
trial of docs/decisions/0005-anomaly.md; brute force on one account is `medium`."""

NAMED = 3
"""Features that a reason names; all that carried the score stand in `soc.alert.features`."""

# Vietnamese and English, by feature or by (entity type, feature).
TEXTS: dict[str | tuple[str, str], tuple[str, str]] = {
    "events": ("{} dòng nhật ký", "{} log lines"),
    "paths": ("{} đường dẫn khác nhau", "{} different paths"),
    "peers": ("{} tài khoản hoặc địa chỉ khác nhau", "{} different accounts or addresses"),
    ("source.ip", "peers"): ("{} tài khoản khác nhau", "{} different accounts"),
    ("user.name", "peers"): ("{} địa chỉ nguồn khác nhau", "{} different source addresses"),
    "hosts": ("{} máy chủ khác nhau", "{} different hosts"),
    "services": ("{} hệ thống dùng chung", "{} shared systems"),
    "failures": ("{} thao tác thất bại", "{} failed actions"),
    "failure_share": ("{} số thao tác thất bại", "{} of actions failed"),
    "errors": ("{} lỗi HTTP", "{} HTTP errors"),
    "error_share": ("{} số yêu cầu bị lỗi", "{} of requests in error"),
    "bytes": ("{} dữ liệu trao đổi", "{} exchanged"),
    "night_share": ("{} hoạt động vào ban đêm", "{} of activity at night"),
}

AssetLevel = Callable[[Sequence[str]], int]
"""Ids of shared systems -> their highest asset level."""


def alerts(model: Model, rows: pa.RecordBatch, asset_level: AssetLevel, now: datetime) -> list[dict[str, Any]]:
    """A document for each row above its forest's threshold, in the order of the rows."""
    scores = score(model, rows)
    above = flagged(model, rows, scores)
    unusual = rows.filter(pa.array(above))
    return [
        _document(model, row, float(value), carried, asset_level, now)
        for row, value, carried in zip(unusual.to_pylist(), scores[above], explain(model, unusual), strict=True)
    ]


def _document(
    model: Model, row: dict[str, Any], value: float, carried: list[Carried], asset_level: AssetLevel, now: datetime
) -> dict[str, Any]:
    forest = model.forests[row["entity_type"]]
    reason_vi, reason = reasons(row["entity_type"], carried, model.window_seconds)
    source = Source(
        id=RULE_ID,
        title="Unusual behaviour in a window of time",
        level=level(value, forest),
        detector="anomaly",
        status="experimental",
        description="An Isolation Forest finds this window unlike those it was trained on.",
        reason=reason,
        reason_vi=reason_vi,
        ruleset=f"isolation-forest {model.version}",
    )
    seen = Seen(
        entity_type=row["entity_type"],
        entity_value=row["entity_value"],
        window_start=row["window_start"],
        window_seconds=model.window_seconds,
        count=int(row["events"]),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        samples=[orjson.loads(sample) for sample in row["samples"]],
        asset_level=asset_level(row["systems"]),
        extra={
            "score": round(value, 4),
            "threshold": round(forest.threshold, 4),
            "features": [asdict(feature) for feature in carried],
        },
    )
    return document(source, seen, now)


def level(value: float, forest: Forest) -> str:
    """low: above the threshold; medium: above every training window; high: MARGIN above them."""
    if value > forest.highest + MARGIN:
        return "high"
    return "medium" if value > forest.highest else "low"


def reasons(entity_type: str, carried: Sequence[Carried], window_seconds: int) -> tuple[str, str]:
    """One sentence in Vietnamese and one in English, with `{entity}` left for `detectors.alert.fill`.

    Features above their usual range are named first; when none is, it is their combination that is unusual.
    """
    high = [feature for feature in carried if feature.value > feature.p99][:NAMED]
    named = high or list(carried[:NAMED])
    texts = []
    for language, usual, window in zip((0, 1), ("thường", "usually"), _window(window_seconds), strict=True):
        parts = []
        for feature in named:
            value = label(entity_type, feature.name)[language].format(amount(feature.name, feature.value, language))
            bound = f"≤ {amount(feature.name, feature.p99, language)}"
            parts.append(f"{value} {window if feature is named[0] else ''}".strip() + f" ({usual} {bound})")
        texts.append("{entity}: " + "; ".join(parts))
    if not high:
        texts = [f"{texts[0]}; sự kết hợp này hiếm gặp", f"{texts[1]}; together these are rare"]
    return texts[0], texts[1]


def label(entity_type: str, name: str) -> tuple[str, str]:
    """A feature's text in Vietnamese and English, `{}` for its amount."""
    return TEXTS.get((entity_type, name)) or TEXTS[name]


def amount(name: str, value: float, language: int) -> str:
    """`value` as people write it; `language` 0 = Vietnamese, 1 = English."""
    unit = FEATURES[name]
    if unit == "share":
        return f"{value:.0%}" if language else f"{value * 100:.0f} %"
    if unit == "bytes":
        return _bytes(value, language)
    number = grouped(round(value))
    return f"{('khoảng', 'about')[language]} {number}" if unit == "about" and value >= 100 else number


def grouped(number: int) -> str:
    """Thousands apart by a narrow no-break space, which both languages read alike (ISO 80000-1, 7.3.1)."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _bytes(value: float, language: int) -> str:
    units = ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    text = f"{value:.0f}" if units[0] == "B" or value >= 100 else f"{value:.1f}"
    return f"{text if language else text.replace('.', ',')} {units[0]}"


def _window(seconds: int) -> tuple[str, str]:
    for length, vi, en in ((86_400, "ngày", "day"), (3600, "giờ", "hour"), (60, "phút", "minute")):
        if seconds % length == 0:
            count = seconds // length
            return f"trong {count} {vi}", f"in {count} {en}{'s' if count > 1 else ''}"
    return f"trong {seconds} giây", f"in {seconds} seconds"

"""The template maps what an alert holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from dashboards import loader, mapping
from detectors.alert import Seen, Source, document, index_name

NOW = datetime(2026, 3, 1, 2, 3, tzinfo=UTC)

# Kept to be shown, never searched.
UNSEARCHED = ("soc.alert.evidence", "soc.alert.history", "soc.alert.comments", "event.id")


def leaves(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, f"{prefix}{name}.")
    else:
        yield prefix.removesuffix(".")


def test_every_value_of_an_alert_is_mapped() -> None:
    tags = ("attack.credential-access", "attack.t1110")
    source = Source("r", "Dò mật khẩu", "high", "sigma", tags=tags, references=("https://example.org",))
    sample = {
        "related": {"ip": ["192.0.2.1"], "user": ["an"], "hosts": ["web-1"]},
        "event": {"category": ["web"]},
        "source": {"ip": "192.0.2.1", "geo": {"country_iso_code": "VN"}},
    }
    seen = Seen("source.ip", "192.0.2.1", NOW, 300, 1, NOW, NOW, [sample])
    known = mapping.fields(mapping.template("soc-alerts"))
    unmapped = {name for name in leaves(document(source, seen, NOW)) if not name.startswith(UNSEARCHED)} - known.keys()
    assert unmapped == set()


def test_the_pattern_takes_the_index_of_every_alert() -> None:
    content = loader.renamed(mapping.template("soc-alerts"), "cảnh-báo")
    assert content["index_patterns"] == ["cảnh-báo-*"]
    assert list(content["template"]["aliases"]) == ["cảnh-báo"]
    assert index_name("cảnh-báo", NOW).startswith(content["index_patterns"][0].removesuffix("*"))


def test_no_field_is_made_by_a_document_and_every_keyword_is_bounded() -> None:
    content = mapping.template("soc-alerts")["template"]["mappings"]
    assert content["dynamic"] is False

    def walk(properties: Mapping[str, Any]) -> None:
        for name, value in properties.items():
            # 32,766 bytes is the longest term Lucene takes; a letter has up to 4 bytes.
            if value.get("type") == "keyword" and value.get("index", True):
                assert value["ignore_above"] * 4 <= 32_766, name
            walk(value.get("properties", {}))
            walk(value.get("fields", {}))

    walk(content["properties"])

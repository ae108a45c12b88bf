"""No line makes an alert that is too large."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.alert import DOCUMENT_BYTES, Seen, Source, document
from detectors.samples import SAMPLES_BYTES

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def made(samples: list[dict[str, Any]], entity: str = "192.0.2.1") -> dict[str, Any]:
    source = Source("r", "t", "high", "sigma", reason="{event.original} {related.user}")
    return document(source, Seen("source.ip", entity, NOW, 60, 9, NOW, NOW, samples), NOW)


@pytest.mark.slow
@pytest.mark.parametrize("length", [1, 200, 20_000])
def test_samples_of_thousands_of_fields_are_bounded(length: int) -> None:
    samples: list[dict[str, Any]] = [
        {
            "event": {"original": "\x00" * 1_000_000, "id": f"id-{number}"},
            "vendor": {f"field{field}": "ạ" * length for field in range(2_000)},
            "related": {"user": [f"u{field}" * length for field in range(2_000)]},
            "url": {"original": "x" * 1_000_000},
        }
        for number in range(5)
    ]
    alert = made(samples, "e" * 1_000_000)
    assert len(orjson.dumps(alert)) < DOCUMENT_BYTES
    first = alert["soc"]["alert"]["evidence"][0]
    assert first["event"]["id"] == "id-0"
    assert first["event"]["original"].startswith("\x00")
    assert first["soc"]["left_out"] > 0


def test_the_longest_go_and_the_rest_stays() -> None:
    big = {f"big{number}": "x" * 8_000 for number in range(20)}
    (evidence,) = made([{"vendor": {"small": "y", **big}}])["soc"]["alert"]["evidence"]
    assert evidence["vendor"]["small"] == "y"
    assert evidence["soc"]["left_out"] + len(evidence["vendor"]) == 21


def test_what_fits_is_untouched() -> None:
    sample = {"vendor": {"a": "x" * 8_000}}
    assert made([sample])["soc"]["alert"]["evidence"] == [sample]


@given(st.lists(st.dictionaries(st.text(max_size=8), st.integers(0, 60_000), max_size=9), max_size=5))
def test_any_samples_fit(shapes: list[dict[str, int]]) -> None:
    samples: list[dict[str, Any]] = [{"vendor": {name: "ế" * size for name, size in of.items()}} for of in shapes]
    assert len(orjson.dumps(made(samples)["soc"]["alert"]["evidence"])) <= SAMPLES_BYTES

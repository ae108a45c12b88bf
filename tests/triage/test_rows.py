"""Rows of lists, from the columns of a hit."""

from __future__ import annotations

from typing import Any

from triage import rows
from triage.life import revision

FULL: dict[str, list[Any]] = {
    "soc.alert.id": ["a"],
    "soc.alert.entity.type": ["source.ip"],
    "soc.alert.entity.value": ["203.0.113.5"],
    "soc.alert.reason.keyword": ["3 of 203.0.113.5"],
    "soc.alert.reason_vi.keyword": ["3 lần"],
    "soc.alert.risk_score": [50],
    "service.name": ["lgsp"],
    "soc.alert.history.when": ["2026-11-24T08:00:00.000Z"] * 2,
}


class Sources:
    """In place of OpenSearch."""

    def __init__(self, **sources: dict[str, Any]) -> None:
        self.sources = sources
        self.asked: list[list[str]] = []

    def search(self, index: str, body: dict[str, Any]) -> dict[str, Any]:
        ids = body["query"]["ids"]["values"]
        self.asked.append(ids)
        return {"hits": {"hits": [{"_id": one, "_source": self.sources[one]} for one in ids if one in self.sources]}}


def of(client: Sources, *fields: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return rows.of(client, "soc-alerts", [{"fields": one} for one in fields])  # type: ignore[arg-type]


def test_a_row_is_nested_as_the_source_is() -> None:
    client = Sources()
    (row,) = of(client, FULL)
    assert row == {
        "soc": {
            "alert": {
                "id": "a",
                "entity": {"type": "source.ip", "value": "203.0.113.5"},
                "reason": "3 of 203.0.113.5",
                "reason_vi": "3 lần",
                "risk_score": 50,
                "history": [{"when": "2026-11-24T08:00:00.000Z"}] * 2,
            }
        },
        "service": {"name": "lgsp"},
    }
    assert revision(row["soc"]["alert"]) == 2
    assert client.asked == []


def test_only_of_what_lacks_a_column_the_source_is_read_and_the_order_stays() -> None:
    long = {name: value for name, value in FULL.items() if name != "soc.alert.reason_vi.keyword"} | {
        "soc.alert.id": ["b"]
    }
    source = {"soc": {"alert": {"id": "b", "reason_vi": "x" * 5_000}}}
    client = Sources(b=source)
    first, second, third = of(client, FULL, long, {**FULL, "soc.alert.id": ["z"]})
    assert client.asked == [["b"]]
    assert second == source
    assert [first["soc"]["alert"]["id"], third["soc"]["alert"]["id"]] == ["a", "z"]


def test_an_alert_that_went_away_meanwhile_is_shown_as_far_as_it_is_known() -> None:
    (row,) = of(Sources(), {"soc.alert.id": ["c"], "soc.alert.risk_score": [7]})
    assert row["soc"]["alert"] == {"id": "c", "risk_score": 7, "history": []}

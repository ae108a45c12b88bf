"""Links to Discover: whatever a log line put into an entity stays one value of one query."""

from __future__ import annotations

import re
import urllib.parse

from hypothesis import given
from hypothesis import strategies as st

from triage.web import dashboards_link

ALERT = {
    "id": "abc",
    "first_seen": "2026-11-24T03:00:00.000Z",
    "last_seen": "2026-11-24T03:30:00.000Z",
    "entity": {"type": "user.name", "value": "lan"},
}


def test_the_alert_and_its_entity_an_hour_around() -> None:
    links = dashboards_link.of_alert("https://boards.example.org/", ALERT)
    assert links is not None
    assert links.alert.startswith("https://boards.example.org/app/data-explorer/discover#?_a=(")
    assert "(from:'2026-11-24T02:00:00.000Z',to:'2026-11-24T04:30:00.000Z')" in links.alert
    assert urllib.parse.unquote(links.alert).endswith("query:'soc.alert.id:\"abc\"'))")
    assert urllib.parse.unquote(links.entity).endswith("query:'soc.alert.entity.value:\"lan\"'))")


def test_no_link_without_dashboards() -> None:
    assert dashboards_link.of_alert("", ALERT) is None


def string(written: str, escape: str, quote: str) -> str:
    """What a reader takes for the string, which no quote may end before its time."""
    escaped = re.compile(f"{re.escape(escape)}(.)", re.DOTALL)
    assert quote not in escaped.sub("", written)
    return escaped.sub(r"\1", written)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=30))
def test_any_value_stays_one_phrase_of_one_string(value: str) -> None:
    links = dashboards_link.of_alert("https://boards.example.org", {**ALERT, "entity": {"value": value}})
    assert links is not None
    encoded = links.entity.rpartition("query:'")[2].removesuffix("'))")
    assert not set(encoded) & set("'()&#\" <")
    text = string(urllib.parse.unquote(encoded), "!", "'")
    assert text.startswith('soc.alert.entity.value:"')
    assert text.endswith('"')
    assert string(text.partition('"')[2][:-1], "\\", '"') == value

"""The three places that say what the province's systems send say the same: the page, the schema, the parser."""

import datetime
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ingest import files
from ingest.event import FIELDS, MAP, TEXTS, to_documents
from ingest.formats import identity
from ingest.parse import parse
from ingest.parsers.province import ACTIONS
from ingest.sources import Register

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/formats/province-audit.md").read_text()
SCHEMA = json.loads((ROOT / "docs/formats/province-audit.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)


def table(title: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [row.strip("|").split(" | ") for row in section.splitlines() if row.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def faults(document: dict[str, Any]) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


def events(*lines: str) -> list[dict[str, Any]]:
    return to_documents(parse(files.batch([line.encode() for line in lines], RECEIVED, "province"), Register()))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_page_and_the_schema_have_the_same_keys() -> None:
    assert sorted(name for row in table("Keys") for name in names(row[0])) == sorted(SCHEMA["properties"])


def test_every_key_is_a_field_or_an_audit_key() -> None:
    assert [name for name in SCHEMA["properties"] if name not in FIELDS and not name.startswith("soc.audit.")] == []


def test_all_have_the_same_actions() -> None:
    assert set(SCHEMA["properties"]["event.action"]["enum"]) == set(ACTIONS)
    assert sorted(name for row in table("Actions") for name in names(row[0])) == sorted(ACTIONS)


def test_the_page_says_the_categories_that_the_parser_gives() -> None:
    for row in table("Actions"):
        for action in names(row[0]):
            (category,), types = ACTIONS[action]
            assert row[1].startswith(category), action
            assert all(kind in row[1] for kind in types), action


def test_each_system_is_told_actions_that_exist() -> None:
    told = {name for row in table("Which system sends what") for name in names(row[1])}
    assert {name for name in told if "-" in name or name in ACTIONS} <= set(ACTIONS)


EXAMPLES = [json.loads(line) for line in PAGE.split("```json\n")[1].split("\n```")[0].splitlines()]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.get("event.action", "nested"))
def test_every_example_is_valid_and_read(example: dict[str, Any]) -> None:
    assert "event.action" not in example or faults(example) == []
    (event,) = events(json.dumps(example, ensure_ascii=False))
    assert event["event.dataset"] == "province.audit"
    assert event["event.category"]


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("event.action", {"event.action": "log-in"}),
        ("event.outcome", {"event.outcome": "ok"}),
        ("source.ip", {"source.ip": "portal"}),
        ("soc.audit.document.level", {"soc.audit.document.level": "secret"}),
        ("soc.audit.record.count", {"soc.audit.record.count": "240"}),
        ("@timestamp", {"@timestamp": "05/03/2026 08:15"}),
        ("user.name", {"user.name": "001090012345"}),
        ("soc.audit.purpose", {"soc.audit.purpose": "tra cứu 001090012345"}),
        ("user.name", {"user.name": ""}),
        ("soc.audit.role", {"event.action": "role-grant"}),
        ("soc.audit.purpose", {"event.action": "record-read"}),
        ("soc.audit.document.id", {"event.action": "document-sign"}),
    ],
)
def test_the_schema_tells_a_fault(fault: str, change: dict[str, Any]) -> None:
    good = {"event.action": "login", "event.outcome": "success", "user.name": "an", "source.ip": "192.0.2.1"}
    assert faults(good) == []
    found = list(VALIDATOR.iter_errors(good | change))
    assert any(fault in [*error.path, error.message] or fault in error.message for error in found)


def test_an_identity_number_stays_in_the_original_alone() -> None:
    number, other = "001090012345", "079201067890"
    line = json.dumps(
        {
            "event.action": "login",
            "user.name": number,
            "user.target.name": f"{number}/{other}",
            "url.path": f"/cong-dan/{other}",
            "soc.audit.object": {"list": [number, other], number: "x"},
            "event.category": [number],
            "soc.audit.payment.id": "501090012345",
        }
    )
    (event,) = events(line)
    assert event.pop("event.original") == line
    assert number not in json.dumps(event)
    assert other not in json.dumps(event)
    assert event["user.name"] == "********2345"
    assert event["user.target.name"] == "********2345/********7890"
    assert event["url.path"] == "/cong-dan/********7890"
    assert "********2345" in event["related.user"]
    assert event["soc.audit.payment.id"] == "501090012345"  # no form of an identity number


def test_a_message_beside_one_without_is_masked_too() -> None:
    first, second = events(
        '{"event.action":"login","user.name":"001090012345"}', '{"event.action":"login","message":"An 001090012345"}'
    )
    assert first["message"] == '{"event.action":"login","user.name":"********2345"}'
    assert second["message"] == "An ********2345"


# Numbers, what is nearly one, and what may stand beside them.
pieces = st.sampled_from(["001090012345", "079201067890", "501090012345", "00109001234", "0", "1", " ", "/", "a"])
digits = st.lists(pieces, max_size=6).map("".join)


@given(st.lists(digits | st.none(), max_size=5))
def test_nothing_that_looks_like_a_number_is_left(texts: list[str | None]) -> None:
    columns = {
        "user.name": pa.array(texts, pa.string()),
        "event.category": pa.array([None if text is None else [text, None, text] for text in texts], TEXTS),
        "vendor": pa.array([None if text is None else [("a", text)] for text in texts], MAP),
    }
    changed = columns | identity.masked(columns)
    found = re.compile(r"(?<![0-9])0[0-9]{2}[0-3][0-9]{8}(?![0-9])")
    wanted = [None if text is None else found.sub(lambda one: "********" + one[0][8:], text) for text in texts]
    assert changed["user.name"].to_pylist() == wanted
    assert changed["event.category"].to_pylist() == [None if text is None else [text, None, text] for text in wanted]
    assert changed["vendor"].to_pylist() == [None if text is None else [("a", text)] for text in wanted]


def test_a_windows_event_is_none_of_the_provinces() -> None:
    (event,) = events('{"winlog":{"event_data":{"a":1}},"event":{"action":"login"}}')
    assert event.get("event.dataset") != "province.audit"

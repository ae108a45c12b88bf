"""Each parser's samples against their golden events: line n of NAME.expected.jsonl is the result of line n of NAME.log.

`UPDATE_GOLDEN=1 pytest tests/ingest/test_golden.py` writes the golden files anew; read their diff.
"""

import datetime
import os
from pathlib import Path

import orjson
import pytest

from ingest import files, parsers
from ingest.event import to_documents
from ingest.messages import known_parsers
from ingest.parse import parse
from ingest.sources import Register

FOLDER = Path(parsers.__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)
# Known without the golden file: the line itself, its number, and RECEIVED.
LEFT_OUT = ("event.original", "event.id", "event.ingested")


def events(name: str) -> list[dict[str, object]]:
    lines = (FOLDER / f"{name}.log").read_bytes().removesuffix(b"\n").split(b"\n")
    documents = to_documents(parse(files.batch(lines, RECEIVED, "golden"), Register()))
    assert [document["event.original"] for document in documents] == [line.decode() for line in lines]
    return [{key: value for key, value in document.items() if key not in LEFT_OUT} for document in documents]


@pytest.mark.parametrize("name", NAMES)
def test_samples_give_their_golden_events(name: str) -> None:
    found, golden = events(name), FOLDER / f"{name}.expected.jsonl"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_bytes(b"".join(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in found))
    expected = [orjson.loads(line) for line in golden.read_bytes().splitlines()]
    assert len(found) == len(expected)
    for number, (event, wanted) in enumerate(zip(found, expected, strict=True), start=1):
        assert event == wanted, f"{name}.log:{number}"


@pytest.mark.parametrize("name", NAMES)
def test_samples_reach_every_pattern(name: str) -> None:
    """A pattern that no sample reaches is untested, or shadowed by one above it."""
    parser = known_parsers()[NAMES.index(name)]
    reached = {event.get("event.action") for event in events(name)}
    assert {line.action for line in parser.lines} - {None} <= reached


@pytest.mark.parametrize("name", NAMES)
def test_no_sample_makes_a_parser_fail(name: str) -> None:
    assert not [event for event in events(name) if "a parser failed" in str(event.get("error.message"))]

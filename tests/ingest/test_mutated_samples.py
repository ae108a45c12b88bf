"""No damage to a line makes a parser raise: the samples with characters lost, changed and put in.

A parser that raises is a defect; `ingest.parse` turns it into a `pipeline_error` of that line, which this seeks.
"""

import datetime
import random
from pathlib import Path

import pytest

from ingest import files, parsers
from ingest.event import to_documents
from ingest.parse import parse
from ingest.sources import Register

pytestmark = pytest.mark.slow

SAMPLES = sorted(Path(parsers.__file__).parent.glob("*.log"))
RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)
MUTATIONS = 3
LETTERS = b"0- \"[]{}:,.%\\'9Za\xc3"
# What a number, a date or a JSON value may turn into, each of which has once made a parser raise somewhere.
PIECES = (b"-", b'"', b"9" * 21, b"null", b"[]", b"{}", b"-1", b"1e400", b'"x"', b"true", b"0.0", b"::", b" ", b"\n")


def mutated(line: bytes, chance: random.Random) -> bytes:
    text = bytearray(line)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                del text[place : place + chance.randint(1, 8)]
            case 1:
                text[place : place + 1] = bytes([chance.choice(LETTERS)])
            case 2:
                text[place:place] = chance.choice(PIECES)
            case 3:
                del text[place:]
    return bytes(text)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_damage_is_refused_or_read(sample: Path) -> None:
    chance = random.Random(sample.stem)
    lines = [mutated(line, chance) for line in sample.read_bytes().split(b"\n") for _ in range(MUTATIONS)]
    events = to_documents(parse(files.batch(lines, RECEIVED, "mutated"), Register()))
    assert len(events) == len(lines)
    assert not [event for event in events if "a parser failed" in event.get("error.message", "")]

"""The tables of messages that stand outside of a PARSER: every line of them is reached by a sample."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ingest import parsers
from ingest.claims import captured, claim
from ingest.lines import Parser
from ingest.parsers import cisco_asa, cisco_ios, juniper

FOLDER = Path(parsers.__file__).parent

# Behind its program, or behind the host where the text says all.
JUNOS = (
    r"(?:[a-zA-Z_]+(?:\[[0-9]+\])?: | srx-vien (?:kmd [0-9]+ )?(?:- )*)"
    rf"(?P<text>(?:{juniper.TAGGED}|FW: |\(FPC |node[0-9]|IKE |IPSec ).*)$"
)


def samples(name: str, expression: str) -> pa.Array:
    """Of each sample what the expression catches of it, in the form that the table reads."""
    groups = captured(pc.extract_regex(pa.array((FOLDER / f"{name}.log").read_text().splitlines()), expression))
    found = groups["text"]
    if "code" in groups:
        found = pc.binary_join_element_wise(groups["code"], found.fill_null(""), " ")
    return found.drop_null()


@pytest.mark.parametrize(
    ("name", "table", "expression"),
    [
        ("cisco_asa", cisco_asa.MESSAGES, "%" + cisco_asa.HEADER.split("%", 1)[1]),
        ("cisco_ios", cisco_ios.MESSAGES, "%" + cisco_ios.HEADER.rsplit("%", 1)[1]),
        ("juniper", juniper.MESSAGES, JUNOS),
    ],
)
def test_samples_reach_every_line(name: str, table: Parser, expression: str) -> None:
    reached = {number for number, _, _ in claim(samples(name, expression), table.patterns)}
    missed = [line.pattern for number, line in enumerate(table.lines) if number not in reached]
    assert not missed

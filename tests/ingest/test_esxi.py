"""A command typed in the shell of an ESXi host is a Linux process for Sigma's rules."""

import datetime
from pathlib import Path

import pytest

from detectors.sigma.ruleset import Ruleset
from ingest import files
from ingest.parse import parse
from ingest.sources import Register

RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)
RULE = """
title: Virtual machines killed from the shell of ESXi
id: 00000000-0000-4000-8000-000000000001
status: test
level: high
logsource: {product: linux, category: process_creation}
detection:
  selection:
    Image|endswith: /esxcli
    CommandLine|contains|all: [vm process, kill]
  condition: selection
"""


@pytest.mark.parametrize(
    ("message", "fires"),
    [
        ("[root]: esxcli vm process kill --type=force --world-id=1", True),
        (
            '[shell.cmd@6876 subject="root" object="shell" command="esxcli vm process kill -w 1" '
            'result="success" status="0"]',
            True,
        ),
        ("[root]: /tmp/esxcli vm process kill -w 1", True),
        ("[root]: esxcli vm process list", False),
        ("[root]: echo esxcli vm process kill", False),
        ("Interactive shell session started", False),
    ],
)
def test_a_command_of_the_shell_is_a_process(message: str, fires: bool, tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(RULE)
    line = f"<13>2026-03-05T01:15:06.286Z esxi01.example.org shell[2100]: {message}".encode()
    batch = parse(files.batch([line], RECEIVED, "esxi"), Register())
    matches = Ruleset.load([tmp_path], strict=False).match(batch)
    assert bool(matches.num_rows) == fires

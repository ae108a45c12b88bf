"""A folder with a rule, a correlation over it, and cases beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hamrong import cli

RULE = """title: Failed log-in
id: a
logsource: {product: linux, service: sshd}
detection:
  failed: {event.action: ssh-login, event.outcome: failure}
  ours: {source.ip|cidr: 192.0.2.0/24}
  condition: failed and not ours
"""
FIVE = """---
title: Five failures
id: b
name: five
correlation: {type: event_count, rules: [a], group-by: [source.ip], timespan: 1m, condition: {gte: 5}}
"""
LINE = "<86>{syslog} h sshd[1]: Failed password for u{n} from 203.0.113.7 port 1 ssh2"


def write(folder: Path, rule: str, *cases: dict[str, Any] | str) -> None:
    """A case that is a text stands as it is."""
    texts = [case if isinstance(case, str) else json.dumps(case) for case in cases]
    (folder / "r.yml").write_text(rule)
    (folder / "r.cases.jsonl").write_text("".join(f"{text}\n" for text in texts))


def run(*args: object) -> int:
    return cli.main(["rules", *map(str, args)])

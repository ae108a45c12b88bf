"""What the parsers make of real logs that nobody here wrote; skipped where the corpora are not beside the checkout."""

import base64
import datetime
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest import files
from ingest.event import to_documents
from ingest.parse import parse
from ingest.sources import Register

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)

pytestmark = pytest.mark.skipif(not CORPORA.exists(), reason="the corpora are not here")


def events(lines: list[bytes]) -> list[dict[str, Any]]:
    found = to_documents(parse(files.batch(lines, RECEIVED, "corpus"), Register(timezone="UTC")))
    assert not [event for event in found if "a parser failed" in event.get("error.message", "")]
    return found


def share(name: str, right: int, of: int) -> float:
    print(f"{name}: {right} of {of} ({right / of:.1%})")
    return right / of


def test_ten_thousand_access_lines() -> None:
    found = events(gzip.decompress((CORPORA / "elastic-examples/apache_logs.gz").read_bytes()).splitlines())
    wanted = ("source.ip", "url.original", "http.response.status_code")
    assert len(found) == 10_000
    assert sum(all(name in event for name in wanted) for event in found) >= 9_990


def test_three_weeks_of_an_auth_log() -> None:
    lines = gzip.decompress((CORPORA / "elastic-examples/auth.log.gz").read_bytes()).splitlines()
    found = events(lines)
    assert all(event["event.kind"] == "event" and "host.name" in event for event in found)
    assert share("auth.log, lines with an action", sum("event.action" in event for event in found), len(found)) > 0.97
    # Counted a second way, in the text.
    for expression, action, outcome in (
        (rb"Failed \w+ for ", "ssh-login", "failure"),
        (rb"Accepted \w+ for ", "ssh-login", "success"),
        (rb"COMMAND=", "sudo-command", "success"),
    ):
        counted = sum(bool(re.search(expression, line)) for line in lines)
        acted = [
            event for event in found if (event.get("event.action"), event.get("event.outcome")) == (action, outcome)
        ]
        assert len(acted) == counted


def test_rfc5424_vectors() -> None:
    vectors = json.loads((CORPORA / "go-syslog/rfc5424.json").read_text())
    found = events([base64.b64decode(vector["input_b64"]) for vector in vectors])
    wrong = [
        base64.b64decode(vector["input_b64"])
        for vector, event in zip(vectors, found, strict=True)
        if (event["event.kind"] == "event") != vector["valid"]
        or not agrees(event, vector.get("value") or vector.get("partial_value") or {}, vector["valid"])
    ]
    assert share("RFC 5424 vectors", len(vectors) - len(wrong), len(vectors)) == 1, wrong[:20]


def agrees(event: dict[str, Any], value: dict[str, Any], whole: bool) -> bool:
    """Does the event have the vector's fields? Of an invalid line, those that were read are compared."""
    names = {"appname": "appname", "hostname": "hostname", "msgid": "msgid", "procid": "procid"}
    pairs = [(value.get(name), event.get(f"log.syslog.{field}")) for name, field in names.items()]
    pairs.append((value.get("priority"), event.get("log.syslog.priority")))
    if not whole:
        return all(wanted is None or wanted == got for wanted, got in pairs)
    structured = {
        f"{element}.{name}" if name else element: text
        for element, parameters in (value.get("structured_data") or {}).items()
        for name, text in (parameters or {"": ""}).items()
    }
    pairs.append((structured or None, event.get("log.syslog.structured_data")))
    if "encoding_escaped" not in event.get("tags", ()):
        # The byte order mark says that the message is UTF-8; it is no part of it (RFC 5424 §6.4).
        pairs.append(((value.get("message") or "").removeprefix("\ufeff") or None, event.get("message")))
    return all(wanted == got for wanted, got in pairs)


def crowdsec(parsers: set[str]) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Each line with its event and what CrowdSec's own parser extracts from it."""
    for text in (CORPORA / "crowdsec/parsers.jsonl").read_text().splitlines():
        test = json.loads(text)
        found = events([line.encode() for line in test["lines"]])
        for number, (line, event) in enumerate(zip(test["lines"], found, strict=True)):
            for name, result in (test["expected"].get(str(number)) or {}).items():
                if name.split("/")[-1] in parsers:
                    yield line, event, result.get("Meta", {})


def test_crowdsecs_lines_of_sshd_and_web_servers() -> None:
    fields = {
        "source_ip": "source.ip",
        "target_user": "user.name",
        "username": "user.name",
        "http_status": "http.response.status_code",
        "http_verb": "http.request.method",
        "machine": "host.name",
    }
    right = of = 0
    for _, event, meta in crowdsec({"sshd-logs", "sshd-success-logs", "nginx-logs", "apache2-logs", "pam-logs"}):
        for key, field in fields.items():
            if meta.get(key) not in (None, "", "-"):
                of += 1
                right += str(event.get(field)) == meta[key]
    assert share("CrowdSec sshd, nginx, apache", right, of) >= 0.95


def test_filebeats_lines_of_web_servers() -> None:
    rows = [json.loads(text) for text in (CORPORA / "filebeat/expected.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["module"] in ("nginx", "apache")]
    # Not of the line: where it was read and by what, look-ups in tables of places and browsers; the file's own name
    # says the module, which a bare line does not.
    elsewhere = re.compile(
        r"(?:input|log\.offset|log\.flags|fileset|service|event\.(?:module|dataset|timezone)|source\.(?:geo|as))|user_agent\.(?!original)"
    )
    right = of = 0
    for row, event in zip(rows, events([row["raw_first_line"].encode() for row in rows]), strict=True):
        for name, value in row["expected"].items():
            if not elsewhere.match(name) and value != "-":
                of += 1
                right += str(event.get(name)) == str(value)
    assert share("Filebeat nginx, apache", right, of) >= 0.93

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
from ingest.entities import ip
from ingest.event import to_documents
from ingest.parse import parse
from ingest.sources import Register

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
RECEIVED = datetime.datetime(2026, 3, 5, 2, 0, tzinfo=datetime.UTC)

HOUR = datetime.timedelta(hours=1)
CROWDSEC_FLOOR = 0.95
"""The test prints what each log type lacks."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CORPORA.exists(), reason="the corpora are not here"),
]


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


# What CrowdSec's parsers extract -> where an event has it. A name that a client tried may be whose account was meant.
CROWDSEC = {
    **dict.fromkeys(("source_ip",), ("source.ip", "client.ip")),
    **dict.fromkeys(("dest_ip", "destination_ip"), ("destination.ip", "server.ip")),
    **dict.fromkeys(
        ("username", "target_user", "user", "source_user"), ("user.name", "user.target.name", "related.user")
    ),
    **dict.fromkeys(("http_status", "status_code"), ("http.response.status_code",)),
}


LATER = re.compile(r"enrich|whitelist|/http-logs$")


def holds(event: dict[str, Any], names: tuple[str, ...], wanted: str) -> bool:
    """An IPv4 address of a socket for both families is the same address; quotes are no part of a name."""
    wanted = (ip(wanted) or wanted).strip("'\"")
    found = [event.get(name) for name in names]
    return any(wanted in (str(value), *(value if isinstance(value, list) else ())) for value in found)


def crowdsec() -> Iterator[tuple[str, str, bool, str]]:
    """Of every value that CrowdSec's parsers extract: log type, name, whether the event has it, the line."""
    for text in (CORPORA / "crowdsec/parsers.jsonl").read_text().splitlines():
        test = json.loads(text)
        found = events([line.encode() for line in test["lines"]])
        for number, (line, event) in enumerate(zip(test["lines"], found, strict=True)):
            # What runs after the parsers counts only the lines that reached it: its results are of other lines.
            results = (test["expected"].get(str(number)) or {}).items()
            results = [result for name, result in results if not LATER.search(name)]
            metas = {key: value for result in results for key, value in (result.get("Meta") or {}).items()}
            for key, names in CROWDSEC.items():
                if metas.get(key) not in (None, "", "-"):
                    yield test["log_type"], key, holds(event, names, str(metas[key])), line


def test_crowdsecs_addresses_users_and_statuses() -> None:
    by_type: dict[str, list[bool]] = {}
    for log_type, _, right, _ in crowdsec():
        by_type.setdefault(log_type, []).append(right)
    for log_type, right in sorted(by_type.items(), key=lambda item: (sum(item[1]) / len(item[1]), item[0])):
        share(f"CrowdSec, {log_type}", sum(right), len(right))
    everything = [right for values in by_type.values() for right in values]
    assert share("CrowdSec, all", sum(everything), len(everything)) >= CROWDSEC_FLOOR


MEASURED = re.compile(
    r"@timestamp$|host\.name$|process\.(?:name|pid)$|(?:source|destination|http|url|network|observer)\.|"
    r"user\.name$|event\.outcome$"
)
# Looked up in tables of places and networks, which no line says.
LOOKED_UP = re.compile(r"source\.(?:geo|as)\.")
RENAMED = {"http.request.body.bytes": "http.request.bytes", "http.response.body.bytes": "http.response.bytes"}
"""ECS 1.0's names, and those that later ECS gives to the same value."""


def filebeat() -> Iterator[tuple[str, str, bool, str]]:
    """Of every measured value: dataset, name, whether the event has it, the line."""
    for text in (CORPORA / "filebeat/expected.jsonl").read_text().splitlines():
        row = json.loads(text)
        expected = row["expected"]
        # The corpus does not say when a line was received, nor by whose clock, but in what it expects.
        stamp = datetime.datetime.fromisoformat(expected.get("@timestamp", f"{RECEIVED}"))
        register = Register(timezone=expected.get("event.timezone", "UTC"))
        event = to_documents(parse(files.batch([row["raw_first_line"].encode()], stamp + HOUR, "corpus"), register))[0]
        for name, value in expected.items():
            if MEASURED.match(name) and not LOOKED_UP.match(name) and value != "-":
                right = str(value) in (str(event.get(name)), str(event.get(RENAMED.get(name, name))))
                yield row["dataset"], name, right, row["raw_first_line"]


def test_filebeats_values() -> None:
    by_dataset: dict[str, list[bool]] = {}
    for dataset, _, right, _ in filebeat():
        by_dataset.setdefault(dataset, []).append(right)
    for dataset, right in sorted(by_dataset.items()):
        assert share(f"Filebeat, {dataset}", sum(right), len(right)) >= 0.75
    everything = [right for values in by_dataset.values() for right in values]
    assert share("Filebeat, all", sum(everything), len(everything)) >= 0.95

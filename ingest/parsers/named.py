r"""named: ISC BIND -> DNS queries, refusals, transfers and updates.

In:   lines of named, in its own files or by syslog, with or without its stamp, category and severity in front
Out:  `source.*`, `dns.question.*`, `network.transport`; dataset bind.query for queries, bind.log for the rest
Docs: BIND 9 Administrator Reference, "Query Logging" and "Logging Categories"; lib/ns/query.c, lib/ns/xfrout.c
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest import stamps
from ingest.event import Columns
from ingest.formats.labels import when
from ingest.lines import Context, Line, Parser

HEAD = (
    r"(?:(?P<_stamp>[0-9]{2}-[A-Z][a-z]{2}-[0-9]{4} [0-9:.]{8,12}|[0-9-]{10}T[0-9:.]{8,12}Z?) )?"
    r"(?:(?P<log__logger>[a-z][a-z-]+): )??(?:(?P<log__level>debug [0-9]+|info|notice|warning|error|critical): )?"
)
# The name in brackets is what the client asked for; view and TSIG key follow it.
CLIENT = (
    r"client (?:@0x[0-9a-f]+ )?(?P<source__address>[0-9A-Fa-f.:]+)(?:%[^ #]+)?#(?P<source__port>[0-9]+)"
    r"(?:/key [^ :]+)?(?: \((?P<_asked>.*?)\))?: (?:view (?P<bind__log__view>[^ ]+): )?(?:signer \"[^\"]*\" )?"
)
QUESTION = r"'(?P<dns__question__name>.*)/(?P<dns__question__type>[A-Z0-9]+)/(?P<dns__question__class>[A-Z0-9]+)'"
ZONE = r"'(?P<bind__log__zone>.*)/[A-Z0-9]+'"
WHY = r"(?: \((?P<event__reason>.*)\))?"
SERVER = r"(?P<destination__address>[0-9A-Fa-f.:]+)#(?P<destination__port>[0-9]+)"


def line(pattern: str, action: str, kind: str, outcome: str | None = None, dataset: str = "bind.log") -> Line:
    fields = {"event.dataset": dataset, "network.protocol": "dns"}
    return Line(HEAD + pattern, action, ("network",), ("protocol", kind), outcome, fields)


denied = partial(line, kind="denied", outcome="failure")
failed = partial(line, kind="info", outcome="failure")


def finish(columns: Columns, context: Context) -> Columns:
    own = pc.replace_substring_regex(columns["_stamp"], r"^([0-9]+)-([A-Z][a-z]+)-([0-9]+) ", r"\2 \1 \3 ")
    flags = columns["dns.header_flags"]
    query = pc.equal(columns["event.action"], "dns-query")
    return {
        "@timestamp": pc.coalesce(
            stamps.bsd(own, context.received, context.zone), stamps.iso(columns["_stamp"], context.zone)
        ),
        "network.transport": when(
            flags.is_valid(),
            pc.if_else(pc.match_substring_regex(flags, r"^[+-][^(]*(?:\([0-9]+\))?[A-Z]*T"), "tcp", "udp"),
        ),
        "dns.type": when(query, "query"),
        "dns.question.name": pc.coalesce(columns["dns.question.name"], columns["_asked"]),
    }


PARSER = Parser(
    module="bind",
    dataset="bind.log",
    programs=("named", "named-sdb", "named-pkcs11", "bind9"),
    signature=(
        r"(?:[0-9]{2}-[A-Z][a-z]{2}-[0-9]{4} [0-9:.]{8,12} |[0-9-]{10}T[0-9:.]{8,12}Z? )?"
        r"(?:[a-z][a-z-]+: ){0,2}client (?:@0x[0-9a-f]+ )?[0-9A-Fa-f.:]+#[0-9]+|"
        r"[0-9]{2}-[A-Z][a-z]{2}-[0-9]{4} [0-9:.]{8,12} [a-z][a-z-]+: (?:info|notice|warning|error|debug [0-9]+): "
    ),
    lines=(
        line(
            CLIENT + r"query: (?P<dns__question__name>.*) (?P<dns__question__class>[A-Z0-9]+) "
            r"(?P<dns__question__type>[A-Z0-9]+) (?P<dns__header_flags>[+-][^ ]*)"
            r"(?: \((?P<destination__address>[0-9A-Fa-f.:]+)\))?(?: \[ECS .*\])?",
            action="dns-query",
            kind="info",
            dataset="bind.query",
        ),
        line(
            CLIENT + r"response: (?P<dns__question__name>.*) (?P<dns__question__class>[A-Z0-9]+) "
            r"(?P<dns__question__type>[A-Z0-9]+) (?P<dns__response_code>[A-Z]+) (?P<dns__header_flags>[+-][^ ]*).*",
            action="dns-answer",
            kind="info",
            dataset="bind.query",
        ),
        denied(CLIENT + rf"query(?: \((?P<bind__log__scope>[a-z]+)\))? {QUESTION} denied{WHY}", "dns-query-denied"),
        denied(CLIENT + rf"zone transfer {QUESTION} denied{WHY}", "zone-transfer-denied"),
        denied(CLIENT + rf"bad zone transfer request: {ZONE}: (?P<event__reason>.*)", "zone-transfer-denied"),
        line(
            CLIENT + rf"transfer of {ZONE}: (?P<event__reason>[AI]XFR(?:-style IXFR)? started).*",
            "zone-transfer",
            "info",
        ),
        line(
            CLIENT + rf"transfer of {ZONE}: (?P<event__reason>[AI]XFR(?:-style IXFR)? ended).*",
            "zone-transfer",
            "info",
            "success",
        ),
        failed(CLIENT + rf"transfer of {ZONE}: (?P<event__reason>.*)", "zone-transfer"),
        denied(CLIENT + rf"update(?: forwarding)? {ZONE} (?P<event__reason>denied)(?: .*)?", "zone-update-denied"),
        denied(
            CLIENT + rf"updat(?:e|ing zone) {ZONE}:? (?P<event__reason>update (?:failed|unsuccessful).*)",
            "zone-update-denied",
        ),
        line(CLIENT + rf"updating zone {ZONE}: (?P<event__reason>.*)", "zone-update", "info", "success"),
        denied(
            CLIENT + r"(?P<event__reason>request has invalid signature: .*|.*tsig verify failure.*)",
            "dns-bad-signature",
        ),
        line(
            CLIENT + r"rpz (?P<bind__log__rpz__trigger>[A-Z-]+) (?P<event__reason>[A-Z-]+) rewrite "
            r"(?P<dns__question__name>.*)/(?P<dns__question__type>[A-Z0-9]+)/[A-Z0-9]+ via (?P<rule__name>.*)",
            "dns-query-rewritten",
            "denied",
        ),
        denied(CLIENT + r"(?:would )?rate limit (?P<event__reason>drop|slip) .*response to .*", "dns-rate-limit"),
        failed(
            CLIENT + r"query failed \((?P<dns__response_code>[^)]*)\) for (?P<dns__question__name>.*)/[A-Z0-9]+/"
            r"(?P<dns__question__type>[A-Z0-9]+) at .*",
            "dns-query",
        ),
        line(CLIENT + r"received notify for zone '(?P<bind__log__zone>.*?)'(?:: .*)?", "zone-notify", "info"),
        line(CLIENT + r"(?P<event__reason>.*)", "dns-note", "info"),
        denied(
            r"(?:would )?rate limit (?P<event__reason>drop|slip) .*response to (?P<bind__log__network>[^ ]+).*",
            "dns-rate-limit",
        ),
        failed(
            r"(?:error|lame server|unexpected RCODE|success|timed out|host unreachable)?"
            rf" ?\(?(?P<event__reason>[^()']*)\)? ?resolving {QUESTION}: {SERVER}",
            "dns-resolve",
        ),
        failed(
            rf"DNS format error from {SERVER} resolving "
            r"(?P<dns__question__name>.*)/(?P<dns__question__type>[A-Z0-9]+).*: (?P<event__reason>.*)",
            "dns-resolve",
        ),
        failed(
            r"validating (?P<dns__question__name>.*)/(?P<dns__question__type>[A-Z0-9]+): (?P<event__reason>.*)",
            "dnssec-failure",
        ),
        failed(
            r"zone (?P<bind__log__zone>.*)/[A-Z]+(?:/[^ :]+)?: (?P<event__reason>(?:refresh|expired|"
            r"not loaded|notify).*)",
            "zone-failure",
        ),
        failed(rf"transfer of {ZONE} from {SERVER}: (?P<event__reason>failed .*)", "zone-transfer"),
        line(rf"transfer of {ZONE} from {SERVER}: (?P<event__reason>.*)", "zone-transfer", "info"),
        line(
            r"zone (?P<bind__log__zone>.*)/[A-Z]+(?:/[^ :]+)?: (?P<event__reason>(?:loaded|sending|transferred) .*)",
            "zone-loaded",
            "info",
            "success",
        ),
        line(r"received control channel command '(?P<process__command_line>.*)'", "control-command", "info"),
    ),
    finish=finish,
)

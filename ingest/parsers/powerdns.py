r"""powerdns: questions to PowerDNS, authoritative and recursor, and transfers asked for.

In:   messages of pdns, pdns_server and pdns_recursor
Out:  `source.ip`, `dns.question.*`
Docs: PowerDNS Authoritative Server, "log-dns-queries"; Recursor, "quiet", "structured-logging"
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line, Parser

QUESTION = r"'(?P<dns__question__name>.*)\|(?P<dns__question__type>[A-Z0-9]+)'"
THREAD = r"(?:[0-9]+ )?\[[0-9/]+\] (?:\[[^\]]*\] )?"
CLIENT = r"(?P<source__address>[0-9A-Fa-f.]+|[0-9A-Fa-f:]+?)"
PORT = r"(?::(?P<source__port>[0-9]+))?"
DNS = partial(Line, category=("network",), type=("protocol", "info"), fields={"network.protocol": "dns"})
QUERY = partial(DNS, action="dns-query", fields={"network.protocol": "dns", "dns.type": "query"})
DENIED = partial(DNS, action="zone-transfer-denied", type=("protocol", "denied"), outcome="failure")

PARSER = Parser(
    module="powerdns",
    dataset="dns.query",
    programs=("pdns", "pdns_server", "pdns_recursor", "pdns-recursor"),
    lines=(
        QUERY(rf"Remote (?P<source__address>[0-9A-Fa-f.:]+)(?:<-[^ ]+)? wants {QUESTION}, .*"),
        QUERY(rf"{THREAD}question for {QUESTION} from (?P<source__address>[0-9.]+){PORT}.*"),
        QUERY(
            rf"{THREAD}question for {QUESTION} from "
            r"\[(?P<source__address>[0-9A-Fa-f:]+)\](?::(?P<source__port>[0-9]+))?.*"
        ),
        DNS(
            rf"{THREAD}answer to question {QUESTION}: .* rcode=(?P<dns__response_code>[0-9]+).*",
            action="dns-answer",
            fields={"network.protocol": "dns", "dns.type": "answer"},
        ),
        DENIED(
            r"AXFR of domain '(?P<dns__question__name>.*?)' denied(?: to|: client IP) "
            r"(?P<source__address>[0-9A-Fa-f.:]+)(?: (?P<event__reason>.*))?"
        ),
        DENIED(
            r"AXFR-out zone '(?P<dns__question__name>.*)', client '"
            + CLIENT
            + r"(?::(?P<source__port>[0-9]+))?', (?P<event__reason>.*denied.*|client (?:IP )?has no permission.*)"
        ),
        DNS(
            r"AXFR(?:-out zone| of domain) '(?P<dns__question__name>.*?)'(?:, client '| initiated by )"
            + CLIENT
            + PORT
            + r"'?(?:, (?P<event__reason>.*))?",
            action="zone-transfer",
        ),
        DENIED(
            r"Received NOTIFY for (?P<dns__question__name>[^ ]+) from "
            + CLIENT
            + r"(?::(?P<source__port>[0-9]+))? (?P<event__reason>.*(?:not a (?:master|primary)|not authoritative).*)",
            action="zone-notify-denied",
        ),
    ),
)

r"""dnsmasq: DNS queries of a small resolver, and what Pi-hole's adds -> who asked for which name.

In:   messages of dnsmasq and pihole-FTL, with log-queries, also =extra
Out:  `source.ip`, `dns.question.*`, `dns.resolved_ip`
Docs: dnsmasq src/cache.c log_query()
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest.columns import list_of
from ingest.event import Columns
from ingest.formats.labels import when
from ingest.lines import Context, Line, Parser

EXTRA = r"(?:(?P<dns__id>[0-9]+) (?P<_asker>[0-9A-Fa-f.:]+)/(?P<source__port>[0-9]+) )?"
NAME = r"(?P<dns__question__name>.*)"
ANSWER = r"(?P<_answer>[^ ]+)"
DNS = partial(Line, category=("network",), type=("protocol", "info"), fields={"network.protocol": "dns"})
ANSWER_TO = partial(DNS, action="dns-answer", fields={"network.protocol": "dns", "dns.type": "answer"})
BLOCKED = partial(DNS, action="dns-query-blocked", type=("protocol", "denied"))


def finish(columns: Columns, context: Context) -> Columns:
    answer = when(pc.match_substring_regex(columns["_answer"], r"^[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]+$"), columns["_answer"])
    return {
        "source.address": pc.coalesce(columns["source.address"], columns["_asker"]),
        "dns.resolved_ip": list_of([answer]),
    }


PARSER = Parser(
    module="dnsmasq",
    dataset="dns.query",
    programs=("dnsmasq", "pihole-ftl"),
    lines=(
        DNS(
            EXTRA + rf"query\[(?P<dns__question__type>[^\]]*)\] {NAME} from (?P<source__address>[0-9A-Fa-f.:]+)",
            action="dns-query",
            fields={"network.protocol": "dns", "dns.type": "query"},
        ),
        DNS(
            EXTRA + rf"forwarded {NAME} to (?P<server__address>[0-9A-Fa-f.:]+)(?:#(?P<server__port>[0-9]+))?",
            action="dns-forward",
        ),
        BLOCKED(
            EXTRA + rf"(?P<event__reason>gravity blocked|regex (?:blocked|denied)|exactly (?:blocked|denied)|"
            rf"blacklisted|special domain) {NAME} is {ANSWER}"
        ),
        ANSWER_TO(
            EXTRA + r"reply (?P<event__reason>error) is (?P<dns__response_code>[A-Z]+).*",
            outcome="failure",
        ),
        ANSWER_TO(
            EXTRA + rf"(?:reply|cached|cached-stale|config|DHCP|/[^ ]*) {NAME} is {ANSWER}",
            outcome="success",
        ),
        DNS(
            r"possible DNS-rebind attack detected: (?P<dns__question__name>[^ ]+)",
            action="dns-rebind",
            type=("protocol", "denied"),
            outcome="failure",
        ),
        DNS(
            r"(?P<event__reason>Maximum number of concurrent DNS queries (?:to [^ ]+ )?reached.*)",
            action="dns-overload",
            outcome="failure",
        ),
        DNS(
            r"nameserver (?P<server__address>[0-9A-Fa-f.:]+) (?P<event__reason>refused to do a recursive query)",
            action="dns-refused",
            outcome="failure",
        ),
        DNS(
            EXTRA + rf"validation (?:result|{NAME}) is (?P<event__reason>BOGUS.*)",
            action="dnssec-failure",
            outcome="failure",
        ),
    ),
    finish=finish,
)

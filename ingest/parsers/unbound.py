r"""unbound: DNS queries and answers of a resolver, blocked names and failures.

In:   lines of unbound, by syslog or from its own file, with log-queries, log-replies, log-local-actions, log-servfail
Out:  `source.ip`, `dns.question.*`, `dns.response_code`
Docs: unbound.conf(5), "log-queries" and its kin
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest import stamps
from ingest.event import Columns
from ingest.formats import epochs
from ingest.lines import Context, Line, Parser

HEAD = (
    r"(?:\[(?P<_seconds>[0-9]{9,11})\] |(?P<_stamp>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}) )?"
    r"(?:unbound)?\[(?:[0-9]+:[0-9a-f]+)\] (?P<log__level>info|notice|warning|error|query|reply|debug): "
)
CLIENT = r"(?P<source__address>[0-9A-Fa-f.:]+)(?:@(?P<source__port>[0-9]+))?"
NAME = r"(?P<dns__question__name>[^ ]+?)\.?"
QUESTION = NAME + r" (?P<dns__question__type>[A-Z0-9]+) (?P<dns__question__class>IN|CH|HS|ANY|CLASS[0-9]+)"

DNS = partial(Line, category=("network",), type=("protocol", "info"))
QUERY = {"network.protocol": "dns", "dns.type": "query"}
ANSWER = {"network.protocol": "dns", "dns.type": "answer"}


def finish(columns: Columns, context: Context) -> Columns:
    own = stamps.bsd(columns["_stamp"], context.received, context.zone)
    return {"@timestamp": pc.coalesce(epochs.seconds(columns["_seconds"]), own)}


PARSER = Parser(
    module="unbound",
    dataset="dns.query",
    programs=("unbound",),
    signature=r"\[[0-9]{9,11}\] unbound\[[0-9]+:[0-9a-f]+\] ",
    lines=(
        DNS(HEAD + CLIENT + " " + QUESTION, action="dns-query", fields=QUERY),
        DNS(
            HEAD
            + CLIENT
            + " "
            + QUESTION
            + r" (?P<dns__response_code>[A-Z0-9]+) [0-9.]+ [01] (?P<server__bytes>[0-9]+).*",
            action="dns-answer",
            fields=ANSWER,
        ),
        DNS(
            HEAD
            + r"(?P<rule__name>[^ ]+) (?P<event__reason>deny|refuse|always_[a-z]+|inform_deny|redirect|static|block_a) "
            + CLIENT
            + " "
            + QUESTION,
            action="dns-query-blocked",
            type=("protocol", "denied"),
            outcome="failure",
            fields=QUERY,
        ),
        DNS(
            HEAD
            + r"(?P<rule__name>[^ ]+) (?P<event__reason>inform|transparent|typetransparent) "
            + CLIENT
            + " "
            + QUESTION,
            action="dns-query",
            fields=QUERY,
        ),
        DNS(
            HEAD + rf"(?P<dns__response_code>SERVFAIL) <{QUESTION}>: (?P<event__reason>.*)",
            action="dns-resolve",
            outcome="failure",
            fields=ANSWER,
        ),
        DNS(
            HEAD + rf"validation failure <{QUESTION}>:? ?(?P<event__reason>.*)",
            action="dnssec-failure",
            outcome="failure",
            fields=ANSWER,
        ),
        DNS(
            HEAD
            + r"(?P<event__reason>(?:rate ?limit|ip_ratelimit) exceeded) (?:"
            + r"(?P<source__address>[0-9A-Fa-f.:]+)|(?P<dns__question__name>[^ ]+)) .*",
            action="dns-rate-limit",
            outcome="failure",
            fields=QUERY,
        ),
        Line(
            HEAD + r"(?P<event__reason>(?:start|stop) of service|service stopped).*",
            action="service-change",
            category=("process",),
            type=("change",),
        ),
    ),
    finish=finish,
)

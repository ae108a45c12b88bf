r"""snort: alerts of Snort 2 and 3, and Suricata's fast log -> rule and network fields.

In:   fast and full alerts (`[**] [1:2019401:3] ...`), with their own stamp or behind a syslog header; pfSense's CSV
Out:  `source.*`, `destination.*`, `network.transport`, `rule.*`, `event.severity`; `snort.*`
Docs: Snort users manual §2.6 "Output Modules"; Snort 3 reference, alert_fast; Suricata user guide, "Fast log"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.claims import captured
from ingest.event import TEXTS, Columns
from ingest.formats import flows
from ingest.formats.directions import directions
from ingest.lines import Context, Line, Parser

STAMP = r"(?P<_stamp>[0-9]{2}/[0-9]{2}(?:/(?:[0-9]{4}|[0-9]{2}))?-[0-9:]{8}(?:\.[0-9]{1,9})?)"
RULE = r"\[(?P<snort__gid>[0-9]+):(?P<rule__id>[0-9]+):(?P<rule__version>[0-9]+)\] "
# The message is the rule's; a packet cannot write it.
MESSAGE = r'"?(?P<rule__name>.+?)"?'
CLASS = r"(?: \[Classification: (?P<rule__category>.*?)\])?(?: ?\[Priority: (?P<event__severity>[0-9]+)\]:?)?"
ENDS = (
    r"(?: \[AppID: [^\]]*\])?(?: <(?P<observer__ingress__interface__name>[^>]*)>)? ?\{(?P<network__transport>[^}]+)\} "
    r"(?P<_source>[^ ]+) -> (?P<_destination>[^ ]+)"
)
ACTION = r"(?:\[(?P<_verdict>[A-Za-z]*[Dd]rop|[A-Za-z]*[Bb]lock|Pass|[A-Za-z]*[Rr]eject)\] )?"
CSV = (
    STAMP + r" ?,(?P<snort__gid>[0-9]+),(?P<rule__id>[0-9]+),(?P<rule__version>[0-9]+),"
    r'"?(?P<rule__name>[^"]*?)"?,(?P<network__transport>[A-Za-z0-9-]+),'
    r"(?P<source__address>[^,]*),(?P<source__port>[0-9]*),(?P<destination__address>[^,]*),(?P<destination__port>[0-9]*),"
    r'(?P<snort__ip_id>[0-9]*),(?:"?(?P<rule__category>[^",]*)"?),(?P<event__severity>[0-9]*)(?:,[^,]*,(?P<_verdict>[A-Za-z]*))?,?'
)
# What Snort 2 writes when asked for its default fields.
DEFAULT_CSV = (
    STAMP + r" ?,(?P<snort__gid>[0-9]+),(?P<rule__id>[0-9]+),(?P<rule__version>[0-9]+),"
    r'"?(?P<rule__name>[^"]*?)"?,(?P<network__transport>[A-Za-z0-9-]+),'
    r"(?P<source__address>[^,]*),(?P<source__port>[0-9]*),(?P<destination__address>[^,]*),(?P<destination__port>[0-9]*),"
    r"(?P<source__mac>[0-9A-Fa-f:]*),(?P<destination__mac>[0-9A-Fa-f:]*),(?:[^,]*,){11}"
    r"(?P<snort__icmp_type>[0-9]*),(?P<snort__icmp_code>[0-9]*),[^,]*,[^,]*"
)
# Full alerts, whose lines a shipper has joined.
FULL = (
    r"\[\*\*\] " + RULE + MESSAGE + r" \[\*\*\]\s*" + CLASS.replace("(?: ", r"(?:\s*").replace("(?: ?", r"(?:\s*")
    + r"\s*" + STAMP + r" (?P<_source>[^ ]+) -> (?P<_destination>[^\s]+)\s+(?P<network__transport>[A-Za-z0-9:-]+) "
    r"TTL:.*?(?:Type:(?P<snort__icmp_type>[0-9]+) +Code:(?P<snort__icmp_code>[0-9]+).*)?"
)  # fmt: skip
# With a port where the transport has one; an IPv6 address has colons of its own, and Snort 2 puts no brackets.
V4 = r"^(?P<address>[0-9.]+)(?::(?P<port>[0-9]+))?$"
V6 = r"^\[?(?P<address>[0-9A-Fa-f:.]+?)\]?(?::(?P<port>[0-9]{1,5}))?$"

OBSERVER = {"vendor": "snort", "product": "ids", "type": "ids"}
DATE = r"^(?P<month>[0-9]{2})/(?P<day>[0-9]{2})(?:/(?P<year>[0-9]+))?-(?P<time>.*)$"
MONTH_NUMBERS = pa.array([f"{number:02}" for number in range(1, 13)])
MONTHS = pa.array(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])


def finish(columns: Columns, context: Context) -> Columns:
    ends = {"source": columns["_source"], "destination": columns["_destination"]}
    parts = {side: _address_and_port(column) for side, column in ends.items()}
    denied = pc.match_substring_regex(pc.utf8_lower(columns["_verdict"]), "drop|block|reject").fill_null(False)
    rows = len(denied)
    found = {f"{side}.{part}": values for side, both in parts.items() for part, values in both.items()}
    columns |= {name: pc.coalesce(columns[name], values) for name, values in found.items()}
    columns["network.transport"] = pc.replace_substring_regex(
        pc.utf8_lower(columns["network.transport"]), "^proto:0*", ""
    )
    return {
        **flows.complete({name: columns[name] for name in (*found, "network.transport")}),
        **flows.icmp(columns, "snort.icmp_type", "snort.icmp_code"),
        "observer.name": context.host,
        "@timestamp": stamp(columns["_stamp"], context),
        "event.type": pa.array([["allowed"], ["denied"]], TEXTS).take(denied.cast(pa.int8())),
        "network.direction": directions(columns["source.address"], columns["destination.address"]),
        **{f"observer.{name}": pa.repeat(pa.scalar(text), rows) for name, text in OBSERVER.items()},
    }


def _address_and_port(ends: pa.Array) -> Columns:
    first, second = (captured(pc.extract_regex(ends, pattern)) for pattern in (V4, V6))
    return {part: pc.coalesce(first[part], second[part]) for part in ("address", "port")}


def stamp(stamps_of_snort: pa.Array, context: Context) -> pa.Array:
    """`03/05-08:15:02.113` in local time, with two, four or no digits of a year."""
    parts = captured(pc.extract_regex(stamps_of_snort, DATE))
    month = MONTHS.take(pc.index_in(parts["month"], MONTH_NUMBERS))
    century = pc.if_else(pc.equal(pc.utf8_length(parts["year"]), 2), "20", "")
    year = pc.binary_join_element_wise(century, parts["year"], "")
    dated = pc.binary_join_element_wise(month, parts["day"], year, parts["time"], " ")
    undated = pc.binary_join_element_wise(month, parts["day"], parts["time"], " ")
    return stamps.bsd(pc.coalesce(dated, undated), context.received, context.zone)


def alert(pattern: str) -> Line:
    return Line(pattern, action="alert", category=("network", "intrusion_detection"))


PARSER = Parser(
    module="snort",
    dataset="snort.log",
    programs=("snort", "snort3"),
    signature=(
        r"(?:[0-9]{2}/[0-9]{2}(?:/[0-9]{2,4})?-[0-9:]{8}(?:\.[0-9]+)? ?[ ,]"
        r"|(?:\[[A-Za-z]+\] )?\[\*\*\] \[|\[[0-9]+:[0-9]+:[0-9]+\] )"
    ),
    lines=(
        alert(STAMP + rf"  ?{ACTION}\[\*\*\] {RULE}{MESSAGE} \[\*\*\]{CLASS}{ENDS}"),
        alert(rf"{ACTION}{RULE}{MESSAGE}{CLASS}{ENDS}"),
        alert(rf"{ACTION}\[\*\*\] {RULE}{MESSAGE} \[\*\*\]{CLASS}{ENDS}"),
        alert(ACTION + FULL),
        alert(CSV),
        alert(DEFAULT_CSV),
    ),
    finish=finish,
)

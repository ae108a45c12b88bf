r"""mikrotik: RouterOS -> packets of the firewall, log-ins, changes, leases.

In:   `firewall,info input: in:ether1 out:(unknown 0), ..., proto TCP (SYN), 203.0.113.77:40000->192.0.2.1:22, len 60`,
      with its topics in front or, as BSD syslog, without them
Out:  `source.*`, `destination.*`, `network.*`, `observer.*`, `user.name`, `event.action`; `mikrotik.*`
Docs: MikroTik RouterOS manual, "Log", "Filter"
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest.claims import captured
from ingest.event import Columns
from ingest.formats import flows
from ingest.formats.directions import directions
from ingest.formats.labels import when
from ingest.lines import Context, Line, Parser

PACKET = partial(Line, action="packet", category=("network",), type=("connection",))
LOGIN = partial(Line, category=("authentication",), type=("start",))
CHANGE = partial(Line, action="configuration", category=("configuration",), type=("change",), outcome="success")

TOPICS = r"(?:(?P<mikrotik__topics>[a-z0-9!-]+(?:,[a-z0-9!-]+)+):? )?"
_ADDRESS = r"[0-9.]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:]+?"
FROM, TO = rf"(?P<source__address>{_ADDRESS})", rf"(?P<destination__address>{_ADDRESS})"
PORTS = rf"{FROM}(?::(?P<source__port>[0-9]+))?->{TO}(?::(?P<destination__port>[0-9]+))?"
# (client->translated)->server, or client->(server->translated); the whole is kept, and the new end read from it.
NAT = r"(?:, NAT (?P<_nat>.*?))?"
PEER = r"(?P<source__address>[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*)"
FROM_NAT = r"^\([^()]*->\[?(?P<address>[0-9A-Fa-f.:]+?)\]?(?::(?P<port>[0-9]+))?\)->"
TO_NAT = r"->\([^()]*->\[?(?P<address>[0-9A-Fa-f.:]+?)\]?(?::(?P<port>[0-9]+))?\)$"


def finish(columns: Columns, context: Context) -> Columns:
    found: Columns = {
        f"{end}.address": pc.utf8_trim(columns[f"{end}.address"], characters="[]") for end in ("source", "destination")
    }
    for end, expression in (("source", FROM_NAT), ("destination", TO_NAT)):
        nat = captured(pc.extract_regex(columns["_nat"], expression))
        found |= {f"{end}.nat.ip": nat["address"], f"{end}.nat.port": nat["port"]}
    for side in ("ingress", "egress"):
        name = columns[f"observer.{side}.interface.name"]
        found[f"observer.{side}.interface.name"] = when(pc.invert(pc.starts_with(name, "(")), name)
    rows = len(columns["event.reason"])
    found |= {
        "network.direction": directions(found["source.address"], found["destination.address"]),
        "observer.name": context.host,
        "observer.vendor": pa.repeat(pa.scalar("MikroTik"), rows),
        "observer.product": pa.repeat(pa.scalar("RouterOS"), rows),
        "observer.type": pa.repeat(pa.scalar("router"), rows),
    }
    return flows.complete(columns | found)


PARSER = Parser(
    module="mikrotik",
    dataset="mikrotik.log",
    signature=(
        r"(?:(?:firewall|system|dhcp|interface|wireless|ppp|l2tp|pptp|ovpn|sstp|ipsec|script|route|wireguard|hotspot|account|"
        r"web-proxy|dns|caps|radius|manager|certificate|bridge|error|critical|info|warning)(?:,[a-z0-9!-]+)+:? "
        r"|(?:[^ ]+ )?(?:input|forward|output|srcnat|dstnat|prerouting|postrouting): in:"
        r"|in:[^ ]+ out:.*proto )"
    ),
    lines=(
        PACKET(
            rf"{TOPICS}(?:(?P<rule__name>.*?) "
            rf"?)?(?P<mikrotik__chain>input|forward|output|srcnat|dstnat|prerouting|postrouting): "
            r"in:(?P<observer__ingress__interface__name>[^ ]+|\([^)]*\)) "
            r"out:(?P<observer__egress__interface__name>\([^)]*\)|[^ ,]+),? "
            r"(?:connection-state:(?P<mikrotik__connection_state>[^ ]+) )?(?:connection-mark:[^ ]+ )?"
            r"(?:packet-mark:[^ ]+ )?(?:src-mac (?P<source__mac>[0-9A-Fa-f:]{17}), )?(?:dst-mac "
            r"(?P<destination__mac>[0-9A-Fa-f:]{17}), )?"
            rf"proto (?P<network__transport>[^ ,]+)(?: \((?P<mikrotik__flags>[^)]*)\))?, {PORTS}{NAT}"
            r"(?:, prio [^,]+)?, len (?P<network__bytes>[0-9]+).*"
        ),
        PACKET(
            rf"in:(?P<observer__ingress__interface__name>[^ ]+) "
            rf"out:(?P<observer__egress__interface__name>\([^)]*\)|[^ ,]+),? "
            r"(?:connection-state:(?P<mikrotik__connection_state>[^ ]+) )?(?:src-mac "
            r"(?P<source__mac>[0-9A-Fa-f:]{17}), )?"
            rf"proto (?P<network__transport>[^ ,]+)(?: \((?P<mikrotik__flags>[^)]*)\))?, {PORTS}{NAT}, len "
            rf"(?P<network__bytes>[0-9]+).*"
        ),
        LOGIN(
            rf"{TOPICS}login failure for user (?P<user__name>.*?)(?: from {PEER})? via (?P<mikrotik__service>[^ ]+)",
            action="logon-failed",
            outcome="failure",
        ),
        LOGIN(
            rf"{TOPICS}user (?P<user__name>.*?) logged in(?: from {PEER})? via (?P<mikrotik__service>[^ ]+)",
            action="logged-in",
            outcome="success",
        ),
        LOGIN(
            rf"{TOPICS}user (?P<user__name>.*?) logged out(?: from {PEER})? via (?P<mikrotik__service>[^ ]+)",
            action="logged-out",
            outcome="success",
            type=("end",),
        ),
        LOGIN(
            rf"{TOPICS}(?P<user__name>[^ ]+) logged in, (?P<mikrotik__assigned_ip>[0-9A-Fa-f.:]+)(?: from {PEER})?",
            action="logged-in",
            outcome="success",
            category=("authentication", "network"),
        ),
        LOGIN(
            rf"{TOPICS}(?:<[^>]*>: )?(?:user )?(?P<user__name>[^ ]+) authentication "
            rf"failed.*",
            action="logon-failed",
            outcome="failure",
        ),
        LOGIN(
            rf"{TOPICS}(?P<user__name>[^ ]+) logged out,? ?(?P<mikrotik__counters>[0-9 ]*).*",
            action="logged-out",
            outcome="success",
            type=("end",),
            category=("authentication", "network"),
        ),
        CHANGE(
            rf"{TOPICS}(?P<mikrotik__item>.+?) "
            rf"(?P<event__reason>added|removed|changed|moved|enabled|disabled|unscheduled) by "
            r"(?:(?P<mikrotik__service>[a-z0-9.-]+):)?(?P<user__name>[^ "
            r"@/]+)(?:@(?P<source__address>[0-9A-Fa-f.:]+))?(?:[ /].*)?"
        ),
        Line(
            rf"{TOPICS}(?P<mikrotik__server>[^ ]+) (?P<event__reason>assigned|deassigned) "
            rf"(?P<client__address>[0-9.]+) (?:to|for|from) "
            r"(?P<source__mac>[0-9A-F:]{17})(?: (?P<source__domain>.*))?",
            action="dhcp-lease",
            category=("network",),
            type=("info",),
        ),
        Line(
            rf"{TOPICS}(?P<observer__ingress__interface__name>[^ ]+) link (?P<event__reason>up|down).*",
            action="state-change",
            category=("network",),
            type=("change",),
        ),
        Line(r"(?P<mikrotik__topics>[a-z0-9!-]+(?:,[a-z0-9!-]+)+):? (?P<event__reason>.*)", type=("info",)),
    ),
    finish=finish,
)

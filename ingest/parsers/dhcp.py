r"""dhcp: leases that DHCP servers give, refuse and take back.

In:   messages of ISC dhcpd, dnsmasq's DHCP part and Kea
Out:  `client.ip` the address, `source.mac` and `source.domain` of who holds it
Docs: dhcpd(8), "SYSLOG"; dnsmasq src/rfc2131.c log_packet(); Kea Administrator Reference, "Messages"
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa

from ingest import stamps
from ingest.event import Columns
from ingest.lines import Context, Line, Parser

CLIENT = r"(?P<client__address>[0-9A-Fa-f.:]+)"
MAC = r"(?P<source__mac>[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5,7})"
# A client calls itself what it likes.
NAME = r"(?: \((?P<source__domain>.*)\))?"
VIA = r" via (?P<observer__ingress__interface__name>[^ :]+(?::[^ :]+)*)(?:: (?P<event__reason>.*))?"
ASK = rf"DHCPREQUEST for {CLIENT}(?: \((?P<server__address>[0-9.]+)\))? from {MAC}{NAME}{VIA}"
PORT = r"\((?P<observer__ingress__interface__name>[^) ]+)\)"
NUMBER = r"(?:[0-9]+ )?"
HOST = r"(?: (?P<source__domain>[^ ]+))?"
KEA = r"(?:(?P<_stamp>[0-9-]{10} [0-9:.]+) )?(?P<log__level>[A-Z]+) +\[kea-dhcp[46]\.[^\]]*\] "
WHO = r"\[hwtype=[0-9]+ (?P<source__mac>[0-9a-f:]{17})\].*?: "

LEASE = partial(Line, action="dhcp-lease", category=("network",), type=("protocol", "info"), outcome="success")
OFFER = partial(Line, action="dhcp-offer", category=("network",), type=("protocol", "info"))
REQUEST = partial(Line, action="dhcp-request", category=("network",), type=("protocol", "info"))
DISCOVER = partial(Line, action="dhcp-discover", category=("network",), type=("protocol", "info"))
RELEASE = partial(Line, action="dhcp-release", category=("network",), type=("protocol", "info"), outcome="success")
INFORM = partial(Line, action="dhcp-inform", category=("network",), type=("protocol", "info"))
REFUSED = partial(Line, category=("network",), type=("protocol", "denied"), outcome="failure")
NAK = partial(REFUSED, action="dhcp-nak")
DECLINE = partial(REFUSED, action="dhcp-decline")
EXHAUSTED = partial(REFUSED, action="dhcp-exhausted")


def finish(columns: Columns, context: Context) -> Columns:
    return {
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "network.protocol": pa.repeat(pa.scalar("dhcp"), len(columns["_stamp"])),
    }


PARSER = Parser(
    module="dhcp",
    dataset="dhcp.server",
    programs=("dhcpd", "dnsmasq-dhcp", "kea-dhcp4", "kea-dhcp6", "dhcpd6"),
    signature=r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+ [A-Z]+ +\[kea-dhcp[46]\.",
    lines=(
        # ISC
        LEASE(rf"DHCPACK on {CLIENT} to {MAC}{NAME}{VIA}"),
        LEASE(rf"DHCPACK to {CLIENT} \({MAC}\){VIA}"),
        REQUEST(ASK),
        EXHAUSTED(rf"DHCPDISCOVER from {MAC}{NAME} via [^ ]+: (?P<event__reason>.*no free leases)"),
        DISCOVER(rf"DHCPDISCOVER from {MAC}{NAME}{VIA}"),
        OFFER(rf"DHCPOFFER on {CLIENT} to {MAC}{NAME}{VIA}"),
        NAK(rf"DHCPNAK on {CLIENT} to {MAC}{NAME}{VIA}"),
        DECLINE(rf"DHCPDECLINE of {CLIENT} from {MAC}{NAME}{VIA}"),
        RELEASE(
            rf"DHCPRELEASE of {CLIENT} from {MAC}{NAME} via (?P<observer__ingress__interface__name>[^ ]+)(?: \(.*\))?"
        ),
        INFORM(rf"DHCPINFORM from {CLIENT}{VIA}"),
        REFUSED(rf"Abandoning IP address {CLIENT}: (?P<event__reason>.*)", action="dhcp-abandon"),
        REFUSED(rf"uid lease {CLIENT} for client {MAC} (?P<event__reason>is duplicate on .*)", action="dhcp-duplicate"),
        LEASE(rf"Reply (?:NA|TA|PD): address {CLIENT} to client with duid (?P<dhcp__duid>[^ ]+) .*"),
        OFFER(rf"Advertise (?:NA|TA|PD): address {CLIENT} to client with duid (?P<dhcp__duid>[^ ]+) .*"),
        DISCOVER(r"Solicit message from (?P<source__address>[^ ]+) port (?P<source__port>[0-9]+), transaction ID .*"),
        REQUEST(
            r"(?:Request|Renew|Rebind|Confirm) message from (?P<source__address>[^ ]+) port "
            r"(?P<source__port>[0-9]+), .*"
        ),
        RELEASE(r"Release message from (?P<source__address>[^ ]+) port (?P<source__port>[0-9]+), .*"),
        # dnsmasq
        LEASE(rf"{NUMBER}DHCPACK{PORT} {CLIENT} {MAC}{HOST}"),
        REQUEST(rf"{NUMBER}DHCPREQUEST{PORT} {CLIENT} {MAC}"),
        EXHAUSTED(rf"{NUMBER}DHCPDISCOVER{PORT} {MAC} (?P<event__reason>no address available)"),
        DISCOVER(rf"{NUMBER}DHCPDISCOVER{PORT} (?:{CLIENT} )?{MAC}(?: (?P<event__reason>.*))?"),
        OFFER(rf"{NUMBER}DHCPOFFER{PORT} {CLIENT} {MAC}"),
        NAK(rf"{NUMBER}DHCPNAK{PORT} {CLIENT} {MAC}(?: (?P<event__reason>.*))?"),
        DECLINE(rf"{NUMBER}DHCPDECLINE{PORT} {CLIENT} {MAC}(?: (?P<event__reason>.*))?"),
        RELEASE(rf"{NUMBER}DHCPRELEASE{PORT} {CLIENT} {MAC}(?: (?P<event__reason>.*))?"),
        INFORM(rf"{NUMBER}DHCPINFORM{PORT} {CLIENT} {MAC}{HOST}"),
        LEASE(rf"{NUMBER}DHCPREPLY{PORT} {CLIENT} (?P<dhcp__duid>[0-9a-f:]+){HOST}"),
        OFFER(rf"{NUMBER}DHCPADVERTISE{PORT} {CLIENT} (?P<dhcp__duid>[0-9a-f:]+){HOST}"),
        DISCOVER(rf"{NUMBER}DHCPSOLICIT{PORT} (?P<dhcp__duid>[0-9a-f:]+)(?: .*)?"),
        # Kea
        LEASE(
            KEA
            + r"(?P<event__code>DHCP4_LEASE_(?:ALLOC|REUSE)) "
            + WHO
            + rf"lease {CLIENT} has been (?:allocated|reused).*"
        ),
        OFFER(
            KEA
            + r"(?P<event__code>DHCP4_LEASE_(?:ADVERT|OFFER)) "
            + WHO
            + rf"lease {CLIENT} will be (?:advertised|offered).*"
        ),
        RELEASE(KEA + r"(?P<event__code>DHCP4_RELEASE) " + WHO + rf"address {CLIENT} was released properly.*"),
        DECLINE(
            KEA
            + rf"(?P<event__code>DHCP4_DECLINE_LEASE) Received DHCPDECLINE for addr {CLIENT} from client "
            + WHO
            + r"(?P<event__reason>.*)"
        ),
        EXHAUSTED(KEA + r"(?P<event__code>ALLOC_ENGINE_V[46]_ALLOC_FAIL[A-Z_]*) " + WHO + r"(?P<event__reason>.*)"),
        LEASE(
            KEA + r"(?P<event__code>DHCP6_LEASE_(?:ALLOC|REUSE|RENEW)) duid=\[(?P<dhcp__duid>[0-9a-f:]+)\].*?: "
            rf"lease for address {CLIENT} and iaid=[0-9]+ has been (?:allocated|reused|renewed).*"
        ),
    ),
    finish=finish,
)

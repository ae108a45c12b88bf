r"""strongswan: IPsec tunnels opened and closed, and log-ins to them.

In:   messages of charon, `06[IKE] <connection|83> message`
Out:  `source.*`, `destination.*`, `user.name`, `event.outcome`; the rest as `strongswan.*`
Docs: strongSwan, "Logger configuration"; src/libcharon/sa
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest.event import Columns
from ingest.formats.labels import one_of
from ingest.lines import Context, Line, Parser

HEAD = (
    r"(?:(?:[A-Z][a-z]{2} +[0-9]+ [0-9:]{8} )?(?:[0-9]+)\[(?P<log__logger>[A-Z0-9]{2,4})[0-9]?\] )?"
    r"(?:<(?:(?P<strongswan__connection>[^|>]+)\|)?(?P<strongswan__sa>[0-9]+)> )?"
)
SOURCE = r"(?P<source__address>[0-9A-Fa-f.:]+)\[(?P<source__port>[0-9]+)\]"
DESTINATION = r"(?P<destination__address>[0-9A-Fa-f.:]+)\[(?P<destination__port>[0-9]+)\]"
BETWEEN = (
    r"(?P<destination__address>[0-9A-Fa-f.:%a-z]+?)\[(?P<strongswan__local_id>.*?)\]\.\.\."
    r"(?P<source__address>[0-9A-Fa-f.:]+)\[(?P<user__name>.*)\]"
)
NETWORK = partial(Line, category=("network",))
LOGIN = partial(Line, action="vpn-login", category=("authentication", "session"), type=("start",), outcome="success")
FAILED = partial(Line, action="vpn-login", category=("authentication",), type=("start",), outcome="failure")

PAIRED = ("address", "port", "bytes")


def finish(columns: Columns, context: Context) -> Columns:
    """Of an exchange the client is the source, whichever of the two sent this packet: only a server answers from the
    ports of IKE to one that a NAT device has chosen."""
    own, chosen = (one_of(columns[f"{side}.port"], "500", "4500") for side in ("source", "destination"))
    answered = pc.and_(own, pc.and_not(columns["destination.port"].is_valid(), chosen))
    sides = ("source", "destination"), ("destination", "source")
    return {
        f"{side}.{name}": pc.if_else(answered, columns[f"{other}.{name}"], columns[f"{side}.{name}"])
        for side, other in sides
        for name in PAIRED
    }


PARSER = Parser(
    module="strongswan",
    dataset="strongswan.log",
    programs=("charon", "charon-systemd", "ipsec", "strongswan", "charon-nm"),
    signature=r"(?:[A-Z][a-z]{2} +[0-9]+ [0-9:]{8} )?[0-9]{2}\[(?:IKE|NET|ENC|CFG|KNL|DMN|MGR|JOB|CHD|"
    r"LIB|ESP|TLS)[0-9]?\] ",
    finish=finish,
    lines=(
        LOGIN(HEAD + rf"IKE_SA (?P<strongswan__ike_sa>[^ ]+) established between {BETWEEN}"),
        FAILED(
            HEAD
            + r"(?P<event__reason>no EAP key found) for hosts '(?P<strongswan__local_id>.*?)' - '(?P<user__name>.*)'"
        ),
        FAILED(
            HEAD + r"EAP method (?P<strongswan__eap>[^ ]+) (?P<event__reason>failed) for peer "
            r"(?P<source__address>[0-9A-Fa-f.:]+)"
        ),
        FAILED(HEAD + r"(?P<event__reason>EAP-[^ ]+ verification failed.*)"),
        FAILED(
            HEAD + r"tried [0-9]+ shared keys? for '(?P<strongswan__local_id>.*?)' - '(?P<user__name>.*)', "
            r"(?P<event__reason>but MAC mismatched)"
        ),
        FAILED(
            HEAD + r"(?P<event__reason>no shared key found) for '?(?P<strongswan__local_id>.*?)'?(?: - "
            r"'?(?P<user__name>.*?)'?)?"
        ),
        FAILED(
            HEAD + r"(?P<event__reason>(?:no matching peer config found|received AUTHENTICATION_FAILED notify error|"
            r"constraint check failed.*|peer didn't accept .*|no trusted .* public key found for .*)).*"
        ),
        NETWORK(
            HEAD + r"(?P<event__reason>no IKE config found) for (?P<destination__address>[0-9A-Fa-f.:]+)\.\.\."
            r"(?P<source__address>[0-9A-Fa-f.:]+), .*",
            action="vpn-refused",
            type=("connection", "denied"),
            outcome="failure",
        ),
        NETWORK(
            HEAD + r"(?P<event__reason>received proposals (?:inacceptable|unacceptable)|peer not responding.*|"
            r"giving up after .*|message parsing failed|ignoring .*)",
            action="vpn-refused",
            type=("connection", "denied"),
            outcome="failure",
        ),
        Line(
            HEAD + r"authentication of '(?P<user__name>.*)' (?:\(.*\) )?with (?P<event__reason>.*) successful.*",
            action="vpn-authenticate",
            category=("authentication",),
            type=("info",),
            outcome="success",
        ),
        Line(
            HEAD + r"EAP-[^ ]+ username: '(?P<user__name>.*)'",
            action="vpn-authenticate",
            category=("authentication",),
            type=("info",),
        ),
        NETWORK(
            HEAD + rf"received packet: from {SOURCE} to {DESTINATION} \((?P<source__bytes>[0-9]+) bytes\)",
            action="vpn-packet",
            type=("connection", "info"),
        ),
        NETWORK(
            HEAD + rf"sending packet: from {SOURCE} to {DESTINATION} \((?P<source__bytes>[0-9]+) bytes\)",
            action="vpn-packet",
            type=("connection", "info"),
        ),
        NETWORK(
            HEAD + r"(?P<source__address>[0-9A-Fa-f.:]+) is initiating an? .*",
            action="vpn-connect",
            type=("connection", "start"),
        ),
        NETWORK(
            HEAD + r"(?P<event__reason>deleting half open IKE_SA) with (?P<source__address>[0-9A-Fa-f.:]+) .*",
            action="vpn-disconnect",
            type=("connection", "end"),
        ),
        NETWORK(
            HEAD + rf"(?P<event__reason>deleting IKE_SA) (?P<strongswan__ike_sa>[^ ]+) between {BETWEEN}",
            action="vpn-disconnect",
            type=("connection", "end"),
        ),
        NETWORK(
            HEAD + r"(?P<event__reason>closing CHILD_SA|IKE_SA deleted|received DELETE for .*) ?.*",
            action="vpn-disconnect",
            type=("connection", "end"),
        ),
        NETWORK(
            HEAD + r"CHILD_SA (?P<strongswan__child_sa>[^ ]+) established with SPIs .*",
            action="vpn-tunnel",
            type=("connection", "start"),
            outcome="success",
        ),
        NETWORK(
            HEAD + r"assigning virtual IP (?P<client__address>[0-9A-Fa-f.:]+) to peer '(?P<user__name>.*)'",
            action="vpn-address",
            type=("connection", "info"),
            outcome="success",
        ),
    ),
)

r"""openvpn: tunnels opened and closed, log-ins and faults of their handshakes.

In:   lines of openvpn, from its file or by syslog, of a server or a client
Out:  `source.ip`, `source.port`, `user.name`, `client.ip` inside the tunnel, `event.outcome`
Docs: OpenVPN src/openvpn/multi.c, ssl.c, ssl_verify.c
"""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from ingest import stamps
from ingest.event import Columns
from ingest.lines import Context, Line, Parser

STAMP = (
    r"(?:(?P<_iso>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8})|"
    r"[A-Z][a-z]{2} (?P<_ctime>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9:]{8} [0-9]{4}))(?: us=[0-9]+)? "
)
# A client is known by its address, and after its certificate is read by the name in it too; neither on a client.
PEER = r"(?:(?P<_name>[^ /:]+)/)?(?:\[)?(?P<source__address>[0-9.]+|[0-9A-Fa-f:]+?)(?:\])?:(?P<source__port>[0-9]+) "
HEAD = rf"(?:{STAMP})?(?:{PEER})?"
SELF = rf"(?:{STAMP})?"
AT = r"\[AF_INET6?\](?P<source__address>[0-9.]+|[0-9A-Fa-f:]+?):(?P<source__port>[0-9]+)"
WHY = r"(?P<event__reason>.*)"

LOGIN = partial(Line, action="vpn-login", category=("authentication", "session"), type=("start",))
FAILED = partial(LOGIN, category=("authentication",), outcome="failure")
TUNNEL = partial(Line, category=("network",), type=("connection", "info"))
FAULT = partial(TUNNEL, action="vpn-error", outcome="failure")


def finish(columns: Columns, context: Context) -> Columns:
    return {
        "@timestamp": pc.coalesce(
            stamps.iso(columns["_iso"], context.zone), stamps.bsd(columns["_ctime"], context.received, context.zone)
        ),
        "user.name": pc.coalesce(columns["user.name"], columns["_name"]),
    }


PARSER = Parser(
    module="openvpn",
    dataset="openvpn.log",
    programs=("openvpn", "ovpn-server", "openvpn-server", "ovpn", "ovpn-openvpn", "ovpn-client"),
    signature=(
        r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}|[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]?[0-9] [0-9:]{8} [0-9]{4})"
        r"(?: us=[0-9]+)? (?:(?:[^ /:]+/)?[0-9A-Fa-f.:]+:[0-9]+ )?(?:OpenVPN |TCP connection established|TCP/UDP|TLS|"
        r"VERIFY |MULTI|\[[^\]]*\] Peer Connection|Peer Connection|AUTH|Incoming |OpenSSL: |SIG|Control Channel|"
        r"Initialization Sequence|peer info: |Connection reset|Inactivity timeout|SENT CONTROL|PUSH: |Authenticate)"
    ),
    lines=(
        TUNNEL(
            SELF + rf"(?:[^ ]+ )?TCP connection established with {AT}(?: .*)?",
            action="vpn-connect",
            type=("connection", "start"),
        ),
        LOGIN(
            SELF + rf"(?:[^ ]+ )?\[(?P<user__name>[^\]]*)\] Peer Connection Initiated with {AT}(?: .*)?",
            action="vpn-login",
            outcome="success",
        ),
        LOGIN(
            HEAD + r"TLS: Username/Password authentication succeeded for username '(?P<user__name>.*?)'.*",
            outcome="success",
        ),
        # pfSense's script that asks for the password.
        LOGIN(r"user '(?P<user__name>.*)' authenticated\.?", outcome="success"),
        FAILED(r"user '(?P<user__name>.*)' could not authenticate\.?"),
        FAILED(HEAD + r"TLS Auth Error: (?P<event__reason>Auth Username/Password verification failed for peer.*)"),
        FAILED(HEAD + r"(?P<event__reason>AUTH_FAILED|AUTH: Received control message: AUTH_FAILED).*"),
        FAILED(
            HEAD + r"(?:PLUGIN|MANAGEMENT|WARNING|TLS)[^:]*: (?P<event__reason>.*[Aa]uth.*(?:fail|denied|"
            r"incorrect|exceeded).*)"
        ),
        FAILED(
            HEAD + r"VERIFY ERROR: depth=[0-9]+, error=(?P<event__reason>.*?)(?:: "
            r"(?P<_subject>.*CN=(?P<user__name>[^,/]*).*)|: .*)?",
        ),
        TUNNEL(
            HEAD + r"VERIFY OK: depth=(?P<openvpn__depth>[0-9]+), (?P<openvpn__subject>.*)",
            action="vpn-certificate",
            outcome="success",
        ),
        FAULT(SELF + rf"(?:[^ ]+ )?TLS Error: (?P<event__reason>.*) (?:from|for) {AT}(?: .*)?"),
        FAULT(HEAD + rf"(?:TLS Error|TLS_ERROR|OpenSSL|Authenticate/Decrypt packet error|Fatal TLS error): ?{WHY}"),
        FAULT(HEAD + r"(?P<event__reason>(?:Bad encapsulated packet length|Bad compression stub|WARNING: Bad) .*)"),
        TUNNEL(
            HEAD + r"MULTI_sva: pool returned IPv4=(?P<client__address>[0-9.]+|\(Not enabled\)).*",
            action="vpn-address",
            outcome="success",
        ),
        TUNNEL(
            HEAD + r"MULTI: (?:primary virtual IP for [^:]+(?::[0-9]+)?: |Learn: "
            r")(?P<client__address>[0-9A-Fa-f.:]+)(?: -> .*)?",
            action="vpn-address",
            outcome="success",
        ),
        TUNNEL(
            HEAD + r"(?P<event__reason>SIG[A-Z0-9]+\[[^\]]*\] received.*|Connection reset, restarting.*|"
            r"Inactivity timeout.*|"
            r".*client-instance (?:restarting|exiting).*)",
            action="vpn-disconnect",
            type=("connection", "end"),
        ),
        TUNNEL(HEAD + r"peer info: (?P<openvpn__peer_info>.*)", action="vpn-peer"),
        TUNNEL(
            SELF + r"(?P<event__reason>OpenVPN [0-9].*|Initialization Sequence Completed.*)",
            action="vpn-start",
            outcome="success",
        ),
        TUNNEL(
            HEAD + rf"(?:MULTI|TLS|Control Channel|PUSH|SENT CONTROL|Incoming|TCP/UDP)[^:]*: {WHY}", action="vpn-note"
        ),
    ),
    finish=finish,
)

r"""asa_logins: what Cisco's firewalls say of their own administration and of who logs in.

In:   `605005 Login permitted from ...`: the id and the text of an ASA, PIX, FWSM or FTD message
Out:  `Line`s of the parser `cisco_asa`
Docs: Cisco Secure Firewall ASA Series Syslog Messages; Elastic's integration "Cisco ASA", exported fields
"""

from __future__ import annotations

from functools import partial

from ingest.lines import Line
from ingest.vendors.asa_messages import FROM, IN, LIST, NOTE, OUT, REASON, SOURCE, TARGET, TO, USER

LOGIN = partial(
    Line, action="logged-in", category=("authentication", "network"), type=("allowed", "info"), outcome="success"
)
REFUSED = partial(
    Line, action="logon-failed", category=("authentication", "network"), type=("denied", "info"), outcome="failure"
)
CONFIG = partial(Line, action="configuration", category=("configuration",), type=("info",), outcome="success")

LINES = (
    # The device's own administration
    CONFIG(rf"111004 {FROM} end configuration: OK.*", type=("change",)),
    CONFIG(rf"111004 {FROM} end configuration: .*", outcome="failure"),
    CONFIG(rf"111007 Begin configuration: {FROM} .*"),
    CONFIG(
        r"111008 User '(?P<server__user__name>[^']*)' executed the '(?P<cisco__asa__command_line_arguments>.*)' "
        r"command\.?",
        type=("change",),
    ),
    CONFIG(r"111009 User '(?P<server__user__name>[^']*)' executed cmd: (?P<cisco__asa__command_line_arguments>.*)"),
    CONFIG(
        r"111010 User '(?P<server__user__name>[^']*)', running '(?P<process__name>[^']*)' from IP "
        r"(?P<source__address>[^ ,]+), "
        r"executed '(?P<cisco__asa__command_line_arguments>.*)'",
        type=("change",),
    ),
    Line(
        r"502103 User priv level changed: Uname: (?P<server__user__name>.*) From: "
        r"(?P<cisco__asa__privilege__old>[0-9]+) "
        r"To: (?P<cisco__asa__privilege__new>[0-9]+)",
        action="privilege-level-changed",
        category=("iam",),
        type=("user", "change"),
        outcome="success",
    ),
    Line(
        r"502101 New user added to local dbase: Uname: (?P<user__target__name>.*?) Priv: .*",
        action="user-added",
        category=("iam",),
        type=("user", "creation"),
        outcome="success",
    ),
    Line(
        r"502102 User deleted from local dbase: Uname: (?P<user__target__name>.*?) Priv: .*",
        action="user-deleted",
        category=("iam",),
        type=("user", "deletion"),
        outcome="success",
    ),
    # Log-ins
    REFUSED(rf'605004 Login denied from {SOURCE} to {OUT}:{TO}/(?P<network__protocol>[^ ]+) for user "{USER}"'),
    LOGIN(rf'605005 Login permitted from {SOURCE} to {OUT}:{TO}/(?P<network__protocol>[^ ]+) for user "{USER}"'),
    LOGIN(
        r"611101 User authentication succeeded: (?:IP address: (?P<source__address>[^ ,]+), )?Uname: "
        r"(?P<server__user__name>.*)"
    ),
    REFUSED(
        r"611102 User authentication failed: (?:IP address: (?P<source__address>[^ ,]+), )?Uname: "
        r"(?P<server__user__name>.*)"
    ),
    LOGIN(r"611103 User logged out: Uname: (?P<user__name>.*)", action="logged-out", type=("info",)),
    REFUSED(rf"308001 .*console enable password incorrect for [0-9]+ tries \(from {FROM}\).*"),
    Line(
        rf"315011 SSH session from (?:{FROM} )?on interface {IN} for user \"?{USER}\"? "
        rf"(?:terminated normally\.?|disconnected by SSH server, reason: {REASON})",
        action="ssh-session-ended",
        category=("network",),
        type=("connection", "end"),
    ),
    LOGIN(rf"109005 Authentication succeeded for user '?{USER}'? from {SOURCE} to {TARGET} on interface {IN}"),
    REFUSED(rf"109006 Authentication failed for user '?{USER}'? from {SOURCE} to {TARGET} on interface {IN}"),
    LOGIN(rf"109007 Authorization permitted for user '?{USER}'? from {SOURCE} to {TARGET} on interface {IN}"),
    REFUSED(rf"109008 Authorization denied for user '?{USER}'? from {SOURCE} to {TARGET} on interface {IN}"),
    REFUSED(
        rf"109025 Authorization denied \(acl={LIST}\) for user '?{USER}'? from {SOURCE} to {TARGET} on interface "
        rf"{IN} using .*"
    ),
    LOGIN(
        rf"1090(?P<cisco__asa__aaa>[0-9]{{2}}) .*for user '?{USER}'? from {SOURCE} to {TARGET}.*",
        action="aaa",
        type=("info",),
        outcome=None,
    ),
    LOGIN(rf"113004 AAA user (?P<cisco__asa__aaa_type>[a-z]+) Successful ?: server ?= *{TO} ?[:,] ?[Uu]ser ?= ?{USER}"),
    REFUSED(
        r"113005 AAA user (?P<cisco__asa__aaa_type>[a-z]+) Rejected ?: reason ?= ?(?P<event__reason>.*?) ?: server ?= *"
        rf"{TO} ?: [Uu]ser ?= ?{USER}(?: ?: [Uu]ser IP ?= ?{FROM})?"
    ),
    REFUSED(rf"113006 User '?{USER}'? locked out .*", action="user-locked"),
    LOGIN(rf"113008 AAA transaction status ACCEPT ?: [Uu]ser ?= ?{USER}"),
    LOGIN(
        rf"113009 AAA retrieved default group policy \(?(?P<cisco__asa__group_policy>[^ )]+)\)? for [Uu]ser ?=? ?{USER}"
    ),
    LOGIN(rf"113012 AAA user authentication Successful ?: local database ?: [Uu]ser ?= ?{USER}"),
    REFUSED(
        r"113015 AAA user authentication Rejected ?: reason ?= ?(?P<event__reason>.*?) ?: local database ?: [Uu]ser "
        r"?= ?"
        rf"{USER}(?: ?: [Uu]ser IP ?= ?{FROM})?"
    ),
    REFUSED(rf"113021 Attempted console login failed\. ?User '?{USER}'? did NOT have appropriate Admin Rights\.?"),
    NOTE(
        rf"113022 AAA Marking (?P<network__protocol>[^ ]+) server {TO} in aaa-server group .*",
        action="server-failed",
        outcome="failure",
    ),
    NOTE(
        rf"113023 AAA Marking (?P<network__protocol>[^ ]+) server {TO} in aaa-server group .*",
        action="server-active",
        outcome="success",
    ),
)

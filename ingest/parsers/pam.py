r"""pam: lines of PAM modules inside any program -> authentication, sessions and passwords.

In:   messages such as `pam_unix(sshd:auth): authentication failure; ...`; also those of old systems, whose program is
      named `sshd(pam_unix)` and whose message starts with the words
Out:  `user.name`, `source.address`; of Proxmox' accounts `user.domain` (the realm); `process.name` says who asked
Docs: Linux-PAM modules/pam_unix, pam_faillock, pam_succeed_if
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXT, Columns
from ingest.lines import Context, Line, Parser

MODULE = r"(?:(?P<_module>pam_[a-z0-9_]+)\([^)]*\): )?"
# The rhost of a failure may be a name, an address or empty; user is absent when the name is unknown.
ORIGIN = (
    r"logname=.*? uid=[0-9]+ euid=[0-9]+ tty=[^ ]* ruser=(?P<source__user__name>.*?) "
    r"rhost=(?P<source__address>[^ ]*)(?: +user=(?P<user__name>.*))?"
)

# Proxmox' account with its realm, and the peer as Perl's (an address) or Rust's (with a port) libraries write it.
ACCOUNT = r"(?:(?P<_account>.*)@(?P<user__domain>[A-Za-z][\w.-]*)|(?P<user__name>.*))"
PEER = (
    r"(?:\[(?P<_bracketed>[0-9A-Fa-f.:]+)\]|(?P<source__address>[0-9.]+|[0-9A-Fa-f.:]+))(?::(?P<source__port>[0-9]+))?"
)
STAMP = r"(?:(?P<_stamp>[0-9-]{10}T[0-9:]{8}[+-][0-9]{2}:[0-9]{2}): )?"

FAILED = partial(Line, action="pam-auth", category=("authentication",), type=("start",), outcome="failure")
LOGGED_IN = partial(Line, action="pam-auth", category=("authentication",), type=("start",), outcome="success")
SESSION = partial(Line, category=("session",), outcome="success")
PASSWORD = partial(Line, action="password-change", category=("iam",), type=("user", "change"))


def finish(columns: Columns, context: Context) -> Columns:
    """A session opened "for user root by nguyenvana(uid=1000)" is nguyenvana's; "by (uid=0)" names nobody."""
    whom, by = columns["_for"], columns["_by"]
    return {
        "user.name": pc.coalesce(columns["user.name"], columns["_account"], by, whom, columns["user.target.name"]),
        "source.address": pc.coalesce(columns["source.address"], columns["_bracketed"]),
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "user.id": pc.if_else(by.is_valid(), columns["_uid"], pa.scalar(None, TEXT)),
        "user.effective.name": pc.if_else(by.is_valid(), whom, pa.scalar(None, TEXT)),
    }


PARSER = Parser(
    module="linux",
    dataset="linux.pam",
    signature=(
        r"pam_[a-z0-9_]+\(|PAM [0-9]+ more |authentication failure; |session (?:open|clos)ed for |check pass; |"
        r"password check failed for user |"
        r"[0-9-]{10}T[0-9:]{8}[+-][0-9:]{5}: (?:authentication failure; rhost=|successful auth for user ')|"
        r"(?:<[^>]*> )?successful auth for user '"
    ),
    lines=(
        SESSION(
            MODULE + r"session opened for user (?P<_for>.+?)(?:\(uid=[0-9]+\))?"
            r"(?: by (?P<_by>[^ ()]*) ?\(uid=(?P<_uid>[0-9]+)\))?",
            action="session-open",
            type=("start",),
        ),
        SESSION(MODULE + r"session closed for user (?P<_for>.+)", action="session-close", type=("end",)),
        FAILED(MODULE + rf"authentication failure; {ORIGIN}"),
        # Proxmox writes its own in PAM's words.
        FAILED(STAMP + rf"authentication failure; rhost={PEER} user={ACCOUNT} msg=(?P<event__reason>.*)"),
        LOGGED_IN(STAMP + rf"(?:<[^>]*> )?successful auth for user '{ACCOUNT}'"),
        FAILED(rf"PAM (?P<system__auth__pam__failures>[0-9]+) more authentication failures?; {ORIGIN}"),
        FAILED(MODULE + r"check pass; user unknown", fields={"event.reason": "user unknown"}),
        FAILED(MODULE + r"received for user (?P<user__name>.*): (?P<event__reason>[0-9]+ \(.*\))"),
        FAILED(MODULE + r"auth could not identify password for \[(?P<user__name>.*)\]"),
        FAILED(MODULE + r'requirement "(?P<event__reason>.*)" not met by user "(?P<user__name>.*)"'),
        FAILED(
            MODULE + r"Consecutive login failures for user (?P<user__name>.*?) account temporarily locked",
            fields={"event.reason": "account locked after failures in a row"},
        ),
        FAILED(MODULE + r"user (?P<user__name>.*) \([0-9]+\) (?P<event__reason>tally [0-9]+, deny [0-9]+)"),
        FAILED(MODULE + r"(?P<event__reason>account .* has expired.*|user not found.*)"),
        FAILED(MODULE + r"(?P<event__reason>access denied|account locked) for user (?P<user__name>[^`'].*)"),
        FAILED(MODULE + r"(?P<event__reason>bad username|conversation failed)(?: \[.*\])?"),
        FAILED(
            MODULE + r"access denied for user [`'](?P<user__name>.*)' from [`'](?P<source__address>[^ ']+)'",
            fields={"event.reason": "access denied"},
        ),
        FAILED(
            r"(?P<event__reason>password check failed) for user \(?(?P<user__name>.*?)\)?",
            type=("info",),
        ),
        PASSWORD(MODULE + r"password changed for (?P<user__target__name>.*)", outcome="success"),
        PASSWORD(
            MODULE + r'user "(?P<user__target__name>.*)" (?P<event__reason>does not exist in .*)', outcome="failure"
        ),
    ),
    finish=finish,
)

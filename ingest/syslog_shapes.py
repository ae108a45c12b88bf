"""syslog_shapes: the forms of syslog headers, as ordered tables of patterns.

In:   nothing
Out:  what `ingest.syslog` tries, one table a step
Docs: RFC 5424 §6; RFC 3164 §4 and §5.4; Cisco IOS "service timestamps" and "service sequence-numbers"; Junos, AIX, F5,
      UniFi, HP ProCurve, NetScaler and Sophos UTM system-log manuals; Kubernetes, CRI logging format

A new device adds one row to one table.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.claims import Pattern

_NUMBER = "0|[1-9][0-9]?|1[0-8][0-9]|19[01]"
PRIORITY = f"<(?P<priority>{_NUMBER})>"

# RFC 5424. A stray backslash is against it, but agents on Windows write paths so: the second shape reads all of such a
# line. The third reads as far as a broken header is right, and gives what is left as the message.
_VERSION = rf"{PRIORITY}(?P<version>[1-9][0-9]{{0,2}})"
_STAMP = r"(?:-|(?P<iso>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})))"
NAME = r"[!#-<>-\\^-~]"
_PARAMETER = rf'{NAME}{{1,32}}="(?:[^"\\\]]|\\["\\\]])*"'
LOOSE_PARAMETER = rf'{NAME}{{1,32}}="(?:[^"\\\]]|\\.)*"'
_DATA = r"(?P<data>-|(?:\[%s{1,32}(?: %s)*\])+)"
_MESSAGE = r"(?: (?:\x{FEFF})?(?P<message>.*))?"
_HEADER = [f" {_STAMP}", r" (?P<host>[!-~]+)", r" (?P<program>[!-~]+)", r" (?P<procid>[!-~]+)", r" (?P<msgid>[!-~]+)"]
RFC5424 = [
    Pattern(_VERSION + "".join(_HEADER) + " " + _DATA % (NAME, _PARAMETER) + _MESSAGE),
    Pattern(_VERSION + "".join(_HEADER) + " " + _DATA % (NAME, LOOSE_PARAMETER) + _MESSAGE),
    # Meraki writes the version too, but an epoch behind it.
    Pattern(rf"{PRIORITY}1 (?P<epoch>[0-9]{{10}}\.[0-9]+) (?P<host>[!-~]+) (?P<message>.*)"),
    Pattern(_VERSION + "(?:".join(["", *_HEADER]) + ")?" * len(_HEADER) + "(?: (?P<message>.*))?"),
]
WHOLE_5424, EPOCH_5424 = 0, 2
"""Positions in that table; what the others match has a fault."""
LONGEST = {"host": 255, "program": 48, "procid": 128, "msgid": 32}

# RFC 3164 and what devices make of it.
WITH_PRIORITY = [Pattern(rf"{PRIORITY}[ :]*(?P<rest>.*)")]

_CLOCK = r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
_YEAR = r"(?:19|20)[0-9]{2}"
_MONTH_DAY = r"[A-Z][a-z]{2} +[0-9]{1,2}"
_BSD = rf"(?P<bsd>{_MONTH_DAY} (?:{_YEAR} )?{_CLOCK}(?: {_YEAR})?)"
_DAY_FIRST = rf"(?P<day>[0-9]{{1,2}})[ -](?P<month>[A-Z][a-z]{{2}})[ -](?P<year>{_YEAR})"
_SOPHOS_DAY = rf"(?P<year>{_YEAR}):(?P<month>[0-9]{{2}}):(?P<day>[0-9]{{2}})"
_NETSCALER_DAY = rf"(?P<month>[0-9]{{2}})/(?P<day>[0-9]{{2}})/(?P<year>{_YEAR})"
_WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? "
_ISO_CLOCK = rf"{_CLOCK}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?"

OFFSETS = {
    **{"UTC": 0, "GMT": 0, "Z": 0, "UCT": 0, "WET": 0},
    **{
        "ICT": 7,
        "WIB": 7,
        "SGT": 8,
        "HKT": 8,
        "PHT": 8,
        "MYT": 8,
        "AWST": 8,
        "JST": 9,
        "KST": 9,
        "AEST": 10,
        "AEDT": 11,
    },
    **{"BST": 1, "WEST": 1, "CET": 1, "MET": 1, "CEST": 2, "MEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "SAST": 2},
    **{"AST": -4, "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7},
    **{"AKST": -9, "AKDT": -8, "HST": -10, "BRT": -3, "NZST": 12, "NZDT": 13},
}
"""Hours east of Greenwich. A name of two zones is America's, where the devices that write it come from."""

ZONE_NAMES = f"(?:{'|'.join(sorted(OFFSETS, key=len, reverse=True))})"
_ZONE = rf"(?: ?(?P<zone>{ZONE_NAMES}|(?:TZ|UTC|GMT)?[+-][0-9]{{1,2}}(?::?[0-9]{{2}})?))?"
_LATE_YEAR = rf"(?: (?P<year>{_YEAR}))?"
_REST = r"(?P<rest>(?:(?: |:[ %]).*|:)?)"

_WORD = r"[0-9A-Za-z_\x{80}-\x{10FFFF}][^\s:,=;|<>()\[\]{}\"'/\\]*"
_COLONS = r"\[?(?:[0-9A-Fa-f:]*::[0-9A-Fa-f:.]*|(?:[0-9A-Fa-f]{1,4}:){5,7}[0-9A-Fa-f]{1,4})(?:%\w+)?\]?"
_HOST = rf"(?P<host>-|{_WORD}|{_COLONS})"

# Cisco: sequence numbers and the host before the stamp, a mark for a clock that is not set, a zone of the owner's name.
_CISCO = rf"(?:(?P<msgid>[0-9]*): ?)?(?:[0-9]+: )?(?:(?P<host>{_WORD}): )?(?:[0-9]+: )?"
_IOS_XR = r"(?:(?P<host>[^\s:]+) )?R?S?P?[0-9A-Z]*/[0-9A-Z/]+:"
_CISCO_STAMP = rf"[*.]?(?:(?P<year>{_YEAR}) )?{_BSD}(?: (?P<zone>[A-Za-z0-9+:-]{{1,9}}))?(?P<rest>:.*)"

NO_GUARD, NEEDS_HOST_OR_PROGRAM, NEEDS_BOTH, NEEDS_PRIORITY = range(4)
"""What else a line must have if it has no priority, so that an application's own log is not taken for syslog."""


@dataclass(frozen=True)
class Stamp:
    pattern: Pattern
    guard: int = NO_GUARD


STAMPS = [
    Stamp(Pattern(rf"{_BSD}{_ZONE}{_LATE_YEAR}{_REST}")),
    Stamp(Pattern(rf"(?P<iso>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_ISO_CLOCK}){_ZONE}{_REST}"), NEEDS_HOST_OR_PROGRAM),
    Stamp(
        Pattern(rf"(?:{_WEEKDAY})?(?P<iso>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} {_ISO_CLOCK}){_ZONE}{_REST}"), NEEDS_BOTH
    ),
    Stamp(Pattern(rf"{_CISCO}{_CISCO_STAMP}")),
    Stamp(Pattern(rf"(?:[0-9]*: )?{_IOS_XR}{_CISCO_STAMP}")),
    Stamp(Pattern(rf"(?P<year>{_YEAR}) {_BSD}{_ZONE}{_REST}")),
    Stamp(Pattern(rf"{_WEEKDAY}{_BSD}{_ZONE}{_LATE_YEAR}{_REST}"), NEEDS_BOTH),
    # Cisco's wireless controllers name the task in front.
    Stamp(Pattern(rf"(?:(?P<host>{_WORD}): )?\*(?P<program>[^\s:]+): {_BSD}{_REST}")),
    Stamp(Pattern(rf"{_DAY_FIRST}[ :](?P<clock>{_CLOCK}){_ZONE}{_REST}"), NEEDS_PRIORITY),
    Stamp(Pattern(rf"{_SOPHOS_DAY}-(?P<clock>{_CLOCK}){_REST}"), NEEDS_BOTH),
    Stamp(Pattern(rf"{_NETSCALER_DAY}:(?P<clock>{_CLOCK}){_ZONE}{_REST}"), NEEDS_PRIORITY),
    Stamp(Pattern(rf"(?P<epoch>[0-9]{{10}}(?:\.[0-9]{{1,9}})?){_REST}"), NEEDS_BOTH),
]  # fmt: skip

STAMP_PATTERNS = [stamp.pattern for stamp in STAMPS]

# Neither a JSON object nor an IPv6 client of an access log may look like "program: message"; a number there is Cisco's
# sequence number, and `%ASA-6-302013:` is what Cisco's parsers know their messages by.
_PROGRAM = r"(?P<program>[0-9]*[^\s:\[\]{}\"'<>=,;|%0-9][^\s:\[\]{}\"'<>=,;|]*)"
_BRACKETS = r"\[(?P<procid>[^\]\s]*)\]:? ?"
TAG = rf"{_PROGRAM}(?:{_BRACKETS}|:(?: |$))(?P<message>.*)"

_LEVEL = r"(?:emerg|panic|alert|crit|critical|err|error|warning|warn|notice|info|debug|verbose|trivia)"
LEVELS = rf"(?:[a-z0-9|]+[.:])?(?P<level>{_LEVEL}|(?:In|Wa|Er|Db|No)\([0-9]+\))"
# A second header, of the host that a relay speaks for.
_AGAIN = (
    r"(?P<again>(?:<[0-9]{1,3}>|1 [0-9]{4}-[0-9]{2}-|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:|\*[^\s:]+: [A-Z]|"
    rf"(?:R?S?P?[0-9A-Z]*/[0-9A-Z/]+:|(?:[0-9]*: )*)[*.]?(?:{_YEAR} )?{_MONTH_DAY} (?:{_YEAR} )?[0-9]{{2}}:).*)"
)

TAGS = [
    # What containerd and CRI-O write in front of a container's own line.
    Pattern(r" (?:stdout|stderr) [FP](?::[^ ]*)? (?P<message>.*)"),
    Pattern(rf" +{_HOST}(?: ?:)? +{_AGAIN}"),
    Pattern(rf" +{_HOST} ?: ?(?P<message>%.*)"),
    Pattern(rf"(?: +{_HOST})? +{LEVELS} {TAG}"),
    Pattern(rf" +{_HOST} {TAG}"),
    Pattern(rf" +{TAG}"),
    Pattern(r" +(?P<message>(?:last )?message repeated [0-9]+ times.*)"),
    # AIX's relay; UniFi's three forms; HP's event number, or the address beside the name; IOS-XR, NX-OS and ISE.
    Pattern(rf" +Message forwarded from (?P<host>[^\s:]+): {TAG}"),
    Pattern(rf" +\(\"(?P<host>[^\"]+)\"\) {TAG}"),
    Pattern(rf" +(?P<host>[^\s:,]+,[0-9a-f]{{12}},[^\s:]+) {TAG}"),
    Pattern(rf" +{_HOST} [0-9A-Fa-f]{{12}},[^\s:]+: {TAG}"),
    Pattern(rf" +{_HOST} (?:(?P<msgid>[0-9]{{5}})|[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}) {TAG}"),
    Pattern(rf": {_PROGRAM}{_BRACKETS}(?P<message>.*)"),
    Pattern(rf": {_HOST} (?P<message>%.*)"),
    Pattern(rf" +{_HOST} (?P<program>CISE_[A-Za-z_]+) (?P<message>.*)"),
    Pattern(rf" +{_HOST} +(?P<message>.*)"),
    Pattern(r"[ :]*(?P<message>.*)"),
]
CONTAINER, UNTAGGED = 0, len(TAGS) - 2

# Not a mere "word: text", which any message may begin with.
UNSTAMPED = [
    Pattern(rf"{_PROGRAM}\[(?P<procid>[^\]\s]*)\]: ?(?P<message>.*)"),
    Pattern(rf"(?:(?P<msgid>[0-9]+): )?(?:(?P<host>{_WORD}) ?: )?(?P<message>%[A-Z].*-[0-7]-.*)"),
]
ANY_UNSTAMPED = "|".join(pattern.regex for pattern in UNSTAMPED)

SOLARIS = [Pattern(r"\[ID (?P<msgid>[0-9]+) [a-z0-9]+\.(?P<level>[a-z]+)\] (?P<message>.*)")]

# How most lines begin: with the two below it gives what the steps would. Four groups at most, each of which ends where
# the next byte says so, RE2 catches in one pass; and it need not read the message. Its host is looked at again, since a
# zone or a level may stand there.
USUAL = (
    rf"(?s)^(?:<(?P<priority>{_NUMBER})>)?(?P<stamp>[A-Z][a-z]{{2}} [ 0-3][0-9] [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}|"
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})) "
    r"(?P<host>[0-9A-Za-z_][0-9A-Za-z_.-]*) "
    r"(?P<tag>[A-Za-z_/(][0-9A-Za-z_./()@+-]*(?:\[[^\]\s]*\])?): "
)
USUAL_TAG = r"^(?P<program>[^\[]*)(?:\[(?P<procid>.*)\])?$"
UNUSUAL_HOST = rf"^(?:{ZONE_NAMES}|{_LEVEL}|[a-z0-9]+\.{_LEVEL}|{_YEAR}|[0-9]+)$"

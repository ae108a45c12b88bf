r"""fail2ban: addresses found, banned and freed.

In:   lines of fail2ban, from its file or by syslog
Out:  `source.ip` of the address, `rule.name` the jail
Docs: fail2ban server/actions.py, filter.py
"""

from __future__ import annotations

from functools import partial

from ingest import stamps
from ingest.event import Columns
from ingest.lines import Context, Line, Parser

HEAD = (
    r"(?:(?P<_stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3}) )?(?:(?P<log__logger>fail2ban\.[a-z]+) *"
    r"(?:\[(?P<process__pid>[0-9]+)\])?: )?(?:(?P<log__level>[A-Z]+) +)?"
)
JAIL = r"\[(?P<rule__name>[^\]]+)\] "
ADDRESS = r"(?P<source__address>[0-9A-Fa-f.:]+)(?:/[0-9]+)?"
BAN = partial(Line, category=("intrusion_detection", "network"), type=("denied",))


def finish(columns: Columns, context: Context) -> Columns:
    return {"@timestamp": stamps.iso(columns["_stamp"], context.zone)}


PARSER = Parser(
    module="fail2ban",
    dataset="fail2ban.log",
    programs=("fail2ban", "fail2ban-server", "fail2ban.actions", "fail2ban.filter", "fail2ban.jail"),
    signature=r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3} fail2ban\.",
    lines=(
        BAN(HEAD + JAIL + rf"(?:Restore |Increase )?Ban {ADDRESS}(?: .*)?", action="address-ban", outcome="success"),
        BAN(HEAD + JAIL + rf"Unban {ADDRESS}", action="address-unban", type=("allowed",), outcome="success"),
        BAN(HEAD + JAIL + rf"{ADDRESS} (?P<event__reason>already banned)", action="address-ban"),
        BAN(HEAD + JAIL + rf"Found {ADDRESS}(?: - .*)?", action="address-found", type=("info",)),
        BAN(
            HEAD + JAIL + rf"Ignore {ADDRESS}(?: by (?P<event__reason>.*))?", action="address-ignore", type=("allowed",)
        ),
        BAN(
            HEAD + JAIL + r"(?P<event__reason>Failed to execute (?:ban|unban) .*)",
            action="address-ban",
            outcome="failure",
        ),
        Line(
            HEAD + r"(?:Creating new j|J)ail '(?P<rule__name>[^']+)' ?(?P<event__reason>started|stopped|uses .*)?",
            action="jail-change",
            category=("configuration",),
            type=("change",),
        ),
    ),
    finish=finish,
)

r"""huawei_usg: Huawei firewalls, routers and switches (VRP) -> policies, sessions, log-ins, configuration.

In:   `%%01POLICY/6/POLICYPERMIT(l)[5]:vsys=public, protocol=6, source-ip=192.0.2.10, ...`
Out:  `source.*`, `destination.*`, `network.*`, `observer.*`, `user.name`, `rule.name`, `event.code`; `huawei.usg.*`
Docs: Huawei USG6000 Log Reference; VRP "Log format"
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.claims import captured
from ingest.columns import is_valid
from ingest.event import TEXT
from ingest.formats import flows, key_value, unknown_device
from ingest.formats.labels import all_of, mapped, when
from ingest.lines import Context, Parsed, Parser

HEADER = (
    r"(?s)^%%[0-9]{2}(?P<module>[A-Za-z0-9_-]+)/(?P<severity>[0-7])/(?P<code>[A-Za-z0-9_-]+)"
    r"(?:\((?P<kind>[a-z]+)\))?(?:\[[0-9]+\])?:? ?(?P<text>.*)$"
)
FIELDS: dict[str, tuple[str, ...]] = {
    "source.ip": ("source-ip", "SourceIP", "SrcIp", "src-ip", "IPAddress", "IP", "RemoteIp", "ip", "source_ip"),
    "source.port": ("source-port", "SourcePort", "SrcPort", "src-port"),
    "source.nat.ip": ("source-nat-ip", "SourceNatIP", "NATSrcIp"),
    "source.nat.port": ("source-nat-port", "SourceNatPort", "NATSrcPort"),
    "source.bytes": ("SendBytes", "send-bytes"),
    "source.packets": ("SendPkts", "send-packets"),
    "destination.ip": ("destination-ip", "DestinationIP", "DstIp", "dst-ip", "destination_ip"),
    "destination.port": ("destination-port", "DestinationPort", "DstPort", "dst-port"),
    "destination.nat.ip": ("destination-nat-ip", "DestinationNatIP", "NATDstIp"),
    "destination.nat.port": ("destination-nat-port", "DestinationNatPort", "NATDstPort"),
    "destination.bytes": ("RcvBytes", "receive-bytes"),
    "destination.packets": ("RcvPkts", "receive-packets"),
    "network.transport": ("protocol", "Protocol"),
    "network.application": ("application-name", "Application", "App"),
    "observer.ingress.zone": ("source-zone", "SrcZone"),
    "observer.egress.zone": ("destination-zone", "DstZone"),
    "rule.name": ("rule-name", "SignName", "Policy", "PolicyName"),
    "user.name": ("UserName", "user-name", "User", "username", "user"),
    "event.reason": ("FailedReason", "Reason", "reason", "close-reason"),
    "process.command_line": ("Command", "command"),
}
LEVELS = dict(
    zip(
        "01234567",
        ("emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"),
        strict=True,
    )
)
REFUSED = r"(?i)(?:fail|deny|denied|block|drop|attack|reject)"
PASSED = r"(?i)(?:permit|succ|login|logout|session|pass)"


def read(messages: pa.Array, context: Context) -> Parsed:
    header = captured(pc.extract_regex(messages, HEADER))
    rows = np.flatnonzero(is_valid(header["code"]))
    if not len(rows):
        return rows, {}
    header = {name: column.take(pa.array(rows)) for name, column in header.items()}
    pairs = key_value.split(header["text"], separators=b" \t,;().")
    columns = pairs.columns(FIELDS)
    nothing = pa.nulls(len(rows), TEXT)
    for name in ("user.name", "source.ip"):
        # What a message says of no one: **, -, or an empty address.
        if name in columns:
            columns[name] = when(pc.match_substring_regex(columns[name], r"[^*. -]"), columns[name])
    code, text = header["code"], header["text"]
    refused = pc.or_(pc.match_substring_regex(code, REFUSED), pc.match_substring_regex(text, "(?i)^[^:(]*fail"))
    refused = pc.or_(refused, pc.match_substring_regex(pairs.column("Action", "action").fill_null(""), REFUSED))
    passed = pc.and_(pc.invert(refused.fill_null(False)), pc.match_substring_regex(code, PASSED))
    both = pc.and_(columns.get("source.ip", nothing).is_valid(), columns.get("destination.ip", nothing).is_valid())
    login = pc.match_substring_regex(code, r"(?i)log(?:in|out|off)|auth|SSH_FAIL")
    command = columns.get("process.command_line", nothing).is_valid()
    columns |= {
        "event.code": code,
        "event.action": pc.utf8_lower(code),
        "event.severity": header["severity"],
        "event.outcome": pc.coalesce(when(refused, "failure"), when(passed, "success"), unknown_device.outcome(code)),
        "log.level": mapped(header["severity"], LEVELS),
        "event.category": all_of({"network": both, "authentication": login, "configuration": command}),
        "event.type": all_of(
            {
                "connection": both,
                "denied": pc.and_(both, refused),
                "allowed": pc.and_(both, passed),
                "start": pc.match_substring_regex(code, r"(?i)login"),
                "end": pc.match_substring_regex(code, r"(?i)logout|TEARDOWN"),
                "change": command,
                "info": pc.invert(pc.or_(pc.or_(both, login.fill_null(False)), command)),
            }
        ),
        "huawei.usg.module": header["module"],
        "observer.name": context.host.take(pa.array(rows)),
        "observer.vendor": pa.repeat(pa.scalar("Huawei"), len(rows)),
        "observer.product": pa.repeat(pa.scalar("USG"), len(rows)),
        "observer.type": pa.repeat(pa.scalar("firewall"), len(rows)),
        "vendor": pairs.others("huawei.usg."),
    }
    return rows, flows.complete(columns)


PARSER = Parser(
    module="huawei",
    dataset="huawei.usg",
    signature=r"%%[0-9]{2}[A-Za-z0-9_-]+/[0-7]/",
    read=read,
)

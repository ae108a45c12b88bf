r"""sonicwall: SonicOS in its enhanced syslog form -> connections, threats, log-ins.

In:   `id=firewall sn=... time="2026-03-05 08:15:02 UTC" fw=203.0.113.2 pri=6 m=537 msg="..." src=...:51034:X0 dst=...`
Out:  `source.*`, `destination.*`, `network.*`, `observer.*`, `user.name`, `url.*`, `rule.id`; `sonicwall.firewall.*`
Docs: SonicOS 7 Log Events Reference Guide; Elastic's integration "SonicWall Firewall", exported fields
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.claims import captured
from ingest.event import TEXT, Columns
from ingest.formats import flows, key_value
from ingest.formats.directions import directions
from ingest.formats.key_value import Pairs
from ingest.formats.labels import all_of, mapped, one_of, when
from ingest.lines import Context, Parsed, Parser

FIELDS: dict[str, tuple[str, ...]] = {
    "event.code": ("m",),
    "event.severity": ("pri",),
    "event.reason": ("msg",),
    "source.mac": ("srcMac",),
    "source.bytes": ("sent",),
    "source.packets": ("spkt",),
    "destination.mac": ("dstMac",),
    "destination.bytes": ("rcvd",),
    "destination.packets": ("rpkt",),
    "observer.name": ("id",),
    "observer.serial_number": ("sn",),
    "observer.ingress.zone": ("srcZone",),
    "observer.egress.zone": ("dstZone",),
    "rule.id": ("rule",),
    "user.name": ("user", "usr"),
    "url.domain": ("dstname",),
    "url.path": ("arg",),
}
LEVELS = dict(
    zip("01234567", ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"), strict=True)
)
METHODS = {"1": "GET", "2": "POST", "3": "HEAD"}
ACTIONS = {"forward": "packet-forwarded", "drop": "packet-dropped", "mgmt": "packet-management"}
# address:port:interface:name; with srcV6 the address stands there, and here only what follows it.
END = r"^(?P<address>[^:]*)(?::(?P<port>[0-9]*)(?::(?P<interface>[^:]*)(?::(?P<name>.*))?)?)?$"
NAT = r"^\[?(?P<address>[0-9.]+|[0-9A-Fa-f:]+?)\]?(?::+(?P<port>[0-9]+))?$"
# Ids of messages about administrators and users.
LOGGED_IN = ("29", "31", "235", "236", "237", "238", "239", "1080", "1335", "1341")
LOGGED_OUT = ("24", "261", "262", "263", "264", "265", "1336")
NOT_LOGGED_IN = ("30", "32", "33", "35", "329", "486", "987", "988", "1334", "1342", "1572")
DROPPED = r"(?i)\b(?:drop(?:ped)?|denied|blocked|rejected|reject received)\b"
REFUSED_LOGIN = r"(?i)\blog-?in\b.*\b(?:denied|failed|failure|disabled|not allowed)\b"


def read(messages: pa.Array, context: Context) -> Parsed:
    pairs = key_value.split(messages)
    known = pc.and_(pairs.column("sn", "fw").is_valid(), pairs.column("m", "msg").is_valid())
    rows = np.flatnonzero(pc.and_(known, pairs.column("pri").is_valid()).to_numpy(zero_copy_only=False))
    return rows, _columns(pairs.take(rows), context.take(rows)) if len(rows) else {}


def _columns(pairs: Pairs, context: Context) -> Columns:
    columns = pairs.columns(FIELDS) | _ends(pairs) | _meaning(pairs)
    firewall = pairs.column("fw")
    numeric = pc.match_substring_regex(firewall, r"^[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]+$")
    transport = captured(pc.extract_regex(pairs.column("proto"), r"^(?P<name>[^/]*)(?:/(?P<protocol>.*))?$"))
    nothing = pa.nulls(pairs.count, TEXT)
    time = captured(pc.extract_regex(pairs.column("time"), r"^(?P<local>.*?)(?: (?P<zone>UTC|GMT))?$"))
    columns |= {
        "@timestamp": stamps.iso(time["local"], pc.if_else(time["zone"].is_valid(), "UTC", context.zone)),
        "network.transport": transport["name"],
        "network.protocol": when(
            pc.invert(pc.match_substring_regex(transport["protocol"], "^[0-9]+$")), transport["protocol"]
        ),
        "network.direction": directions(columns["source.ip"], columns["destination.ip"]),
        "http.request.method": mapped(pairs.column("op"), METHODS),
        "log.level": mapped(pairs.column("pri"), LEVELS),
        "observer.ip": when(numeric, firewall),
        "observer.hostname": when(pc.invert(numeric), firewall),
        "observer.vendor": pa.repeat(pa.scalar("SonicWall"), pairs.count),
        "observer.product": pa.repeat(pa.scalar("SonicOS"), pairs.count),
        "observer.type": pa.repeat(pa.scalar("firewall"), pairs.count),
        "url.original": pc.binary_join_element_wise(
            columns.get("url.domain", nothing), columns.get("url.path", nothing), ""
        ),
        "vendor": pairs.others("sonicwall.firewall.", {"id", "sn", "time", "srcMac", "dstMac", "src", "dst"}),
    }
    return flows.complete(_sums(columns))


def _ends(pairs: Pairs) -> Columns:
    found: Columns = {}
    for side, key, interface in (("source", "src", "ingress"), ("destination", "dst", "egress")):
        end = captured(pc.extract_regex(pairs.column(key), END))
        address = pc.coalesce(pairs.column(f"{key}V6"), end["address"])
        nat = captured(pc.extract_regex(pairs.column(f"nat{key.capitalize()}", f"nat{key.capitalize()}V6"), NAT))
        found |= {
            f"{side}.address": address,
            f"{side}.ip": address,
            f"{side}.port": end["port"],
            f"{side}.domain": end["name"],
            f"observer.{interface}.interface.name": end["interface"],
            f"{side}.nat.ip": nat["address"],
            f"{side}.nat.port": nat["port"],
        }
    return found


def _meaning(pairs: Pairs) -> Columns:
    code, action = pairs.column("m"), pairs.column("fw_action")
    seconds, milliseconds = pairs.column("dur"), pairs.column("cdur")
    whole = when(pc.match_substring_regex(seconds, "^[0-9]{1,9}$"), seconds).cast(pa.int64())
    part = when(pc.match_substring_regex(milliseconds, "^[0-9]{1,12}$"), milliseconds).cast(pa.int64())
    text = pairs.column("msg")
    logged_in, logged_out, refused = (one_of(code, *codes) for codes in (LOGGED_IN, LOGGED_OUT, NOT_LOGGED_IN))
    refused = pc.or_(refused, pc.match_substring_regex(text, REFUSED_LOGIN).fill_null(False))
    login = pc.or_(pc.or_(logged_in, logged_out), refused)
    dropped = pc.or_(one_of(action, "drop"), pc.match_substring_regex(text, DROPPED).fill_null(False))
    dropped = pc.and_(dropped, pc.invert(login))
    forwarded = pc.or_(one_of(code, "97", "98", "537"), one_of(action, "forward", "mgmt"))
    network = pairs.column("dst", "dstV6").is_valid()
    return {
        "event.action": pc.coalesce(
            mapped(action, ACTIONS),
            when(logged_in, "logged-in"),
            when(logged_out, "logged-out"),
            when(refused, "logon-failed"),
            when(dropped, "packet-dropped"),
        ),
        # A packet that the firewall dropped is a success of the firewall, as Elastic has it.
        "event.outcome": pc.coalesce(when(refused, "failure"), when(pc.or_(network, login), "success")),
        "event.duration": pc.coalesce(pc.multiply(whole, 1_000_000_000), pc.multiply(part, 1_000_000)),
        "event.category": all_of({"authentication": login, "network": pc.and_(network, pc.invert(login))}),
        "event.type": all_of(
            {
                "start": pc.or_(pc.or_(logged_in, refused), one_of(code, "98")),
                "end": pc.or_(logged_out, one_of(code, "537")),
                "denied": dropped,
                "allowed": forwarded,
                "connection": pc.and_(network, pc.invert(login)),
                "info": pc.invert(network),
            }
        ),
    }


def _sums(columns: Columns) -> Columns:
    """Of a connection that only one side has spoken in, the device writes one count."""
    for unit in ("bytes", "packets"):
        sent, received = columns.get(f"source.{unit}"), columns.get(f"destination.{unit}")
        if sent is not None and received is not None:
            columns[f"network.{unit}"] = when(pc.or_(sent.is_null(), received.is_null()), pc.coalesce(sent, received))
        elif sent is not None or received is not None:
            columns[f"network.{unit}"] = sent if sent is not None else received
    return columns


PARSER = Parser(
    module="sonicwall",
    dataset="sonicwall.firewall",
    signature=r"id=[^ ]+ +(?:sn|time|fw)=",
    read=read,
)

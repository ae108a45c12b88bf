r"""panos: comma-separated logs of Palo Alto Networks firewalls -> traffic, threats, log-ins, configuration.

In:   `1,2026/03/05 08:15:02,0123456789,TRAFFIC,end,...`, bare or behind a syslog header
Out:  `source.*`, `destination.*`, `network.*`, `observer.*`, `user.*`, `url.*`, `rule.*`; `panw.panos.*`
Docs: PAN-OS 8.1 to 11.1 Administrator's Guide, "Syslog Field Descriptions"; Elastic's "Palo Alto Network"
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.claims import captured
from ingest.columns import is_true, is_valid, typed
from ingest.event import LONG, TEXT, Columns
from ingest.formats import countries, flows, urls
from ingest.formats.csv_fields import Fields
from ingest.formats.directions import directions
from ingest.formats.labels import all_of, mapped, one_of, when
from ingest.formats.pieces import joined
from ingest.lines import Context, Parsed, Parser
from ingest.vendors.panos_fields import ACTIONS, COMMON, DIRECTIONS, FIELDS, OTHER_NAMES, PLACES, SEVERITIES, ZONES

SHORT_AT = len(COMMON) + PLACES["CONFIG-SHORT"].index("action_flags")
# Who a user is: DOMAIN\name, or name@domain; a directory's name with blanks stays whole.
USER = r"^(?:(?P<domain>[^\\@]+)\\+)?(?P<name>[^\\@]+)(?:@(?P<realm>[^@\\]+))?$"
# The firewall writes no scheme: host, port, path and query.
URL = (
    r"^(?:[a-z]+://)?(?P<url__domain>\[[^\]]*\]|[^/?:]*)(?::(?P<url__port>[0-9]+))?(?P<url__path>/[^?]*)?"
    r"(?:\?(?P<url__query>.*))?$"
)


def read(messages: pa.Array, context: Context) -> Parsed:
    fields = Fields(messages)
    kinds = fields.column(COMMON.index("type")).dictionary_encode()
    codes = kinds.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    stamped = is_valid(stamps.iso(fields.column(COMMON.index("generated_time")), context.zone))
    pieces = []
    whole = stamped & fields.closed & (fields.counts > len(COMMON))
    short = is_true(pc.match_substring_regex(fields.column(SHORT_AT), "^0x[0-9a-f]+$"))
    groups = [(kind, (codes == code) & whole) for code, kind in enumerate(kinds.dictionary.to_pylist())]
    groups += [("CONFIG-SHORT", mask & short) for kind, mask in groups if kind == "CONFIG"]
    for kind, mask in groups:
        rows = np.flatnonzero(mask & ~short if kind == "CONFIG" else mask)
        if kind in PLACES and len(rows):
            at = pa.array(rows)
            columns = _columns(kind, Fields(messages.take(at)), context.take(rows))
            pieces.append((rows, columns | {"observer.name": context.host.take(at)}))
    if not pieces:
        return np.empty(0, dtype=np.int64), {}
    known = np.sort(np.concatenate([rows for rows, _ in pieces]))
    return known, joined(len(known), [(np.searchsorted(known, rows), columns) for rows, columns in pieces])


class _Values(dict[str, pa.Array]):
    """A log's fields by name; of a place that no row has, nulls."""

    def __init__(self, kind: str, fields: Fields) -> None:
        self.rows = len(fields.counts)
        longest = int(fields.counts.max())
        for place, name in enumerate((*COMMON, *PLACES[kind])[:longest]):
            if name != "_":
                column = fields.column(place)
                if column.null_count < self.rows:
                    self[name] = column

    def __missing__(self, name: str) -> pa.Array:
        return pa.nulls(self.rows, TEXT)


def _columns(kind: str, fields: Fields, context: Context) -> Columns:
    values = _Values(kind, fields)
    kind = OTHER_NAMES.get(kind, kind)
    columns: Columns = {field: values[name] for field, name in FIELDS.items() if name in values}
    columns |= {
        # Newer versions write the time again, with milliseconds and their offset.
        "@timestamp": pc.coalesce(
            stamps.iso(values["high_resolution_time"], context.zone), stamps.iso(values["generated_time"], context.zone)
        ),
        "event.created": stamps.iso(values["received_time"], context.zone),
        "event.duration": pc.multiply(typed(values["elapsed_time"], LONG), 1_000_000_000),
        "event.start": stamps.iso(values["start_time"], context.zone),
        **_constants(values.rows),
        **_translated(values),
        **_users(kind, values),
        **_actions(kind, values),
    }
    if kind == "TRAFFIC":
        columns["network.direction"] = _direction(values)
    if kind == "THREAT":
        columns |= _threat(values)
    if kind == "GLOBALPROTECT":
        columns |= _remote(values)
    if kind in ("SYSTEM", "CONFIG", "AUTHENTICATION", "HIPMATCH"):
        columns |= _of_device(kind, values)
    if "network.application" in columns:
        columns["network.application"] = pc.utf8_lower(columns["network.application"])
    # A log-in has one end.
    if "source.ip" in columns:
        columns["network.type"] = pc.if_else(pc.match_substring(columns["source.ip"], ":"), "ipv6", "ipv4")
    if "host.name" in columns:
        columns["host.name"] = pc.utf8_lower(columns["host.name"])
    for side in ("source", "destination"):
        if f"{side}.geo.name" in columns:
            columns[f"{side}.geo.country_iso_code"] = countries.codes(columns[f"{side}.geo.name"])
    columns |= {f"panw.panos.{name}": column for name, column in values.items() if name not in FIELDS.values()}
    return flows.complete(columns)


def _constants(rows: int) -> Columns:
    return {
        "observer.vendor": pa.repeat(pa.scalar("Palo Alto Networks"), rows),
        "observer.product": pa.repeat(pa.scalar("PAN-OS"), rows),
        "observer.type": pa.repeat(pa.scalar("firewall"), rows),
    }


def _direction(values: _Values) -> pa.Array:
    """By PAN-OS's own names for the inside and the outside, else by the addresses."""
    inside = {name: pc.utf8_lower(values[f"{name}.zone"]) for name in ("source", "destination")}
    zones = pc.binary_join_element_wise(inside["source"], inside["destination"], ">")
    return pc.coalesce(mapped(zones, ZONES), directions(values["source.ip"], values["destination.ip"]))


def _translated(values: _Values) -> Columns:
    """0.0.0.0 and port 0 stand for "not translated"."""
    found: Columns = {}
    for side in ("source", "destination"):
        address, port = values[f"{side}.nat.ip"], values[f"{side}.nat.port"]
        real = pc.invert(pc.and_(pc.equal(address, "0.0.0.0"), pc.equal(port, "0").fill_null(True)))  # noqa: S104
        found[f"{side}.nat.ip"], found[f"{side}.nat.port"] = when(real, address), when(real, port)
    return found


def _users(kind: str, values: _Values) -> Columns:
    found: Columns = {}
    spoken = {
        "source": pc.coalesce(values["user_by_source"], values["source.user"]),
        "destination": values["destination.user"],
    }
    for side, users in spoken.items():
        parts = captured(pc.extract_regex(users, USER))
        whole = when(parts["name"].is_null(), users)
        found[f"{side}.user.name"] = pc.coalesce(parts["name"], whole)
        found[f"{side}.user.domain"] = pc.coalesce(parts["domain"], parts["realm"])
    found["user.name"], found["user.domain"] = found["source.user.name"], found["source.user.domain"]
    return found


def _actions(kind: str, values: _Values) -> Columns:
    sub, action = values["sub_type"], values["action"]
    allowed = one_of(action, "allow") if kind == "TRAFFIC" else one_of(action, "alert", "allow", "continue")
    session = kind in ("TRAFFIC", "THREAT")
    every = pa.repeat(pa.scalar(True), values.rows)
    none = pa.repeat(pa.scalar(False), values.rows)
    status = pc.utf8_lower(values["status"])
    if session:
        outcome = pc.if_else(allowed, "success", "failure")
    elif kind == "DECRYPTION":
        outcome = pc.if_else(values["error"].is_valid(), "failure", "success")
    else:
        outcome = when(one_of(status, "success", "failure"), status)
    return {
        "event.action": pc.coalesce(
            *(
                when(pc.not_equal(name, "0"), name)
                for name in (mapped(sub, ACTIONS), values["command"], values["event_id"], sub)
            ),
            pa.repeat(pa.scalar(kind.lower()), values.rows),
        ),
        "event.outcome": outcome,
        "event.severity": mapped(values["severity"], SEVERITIES),
        "event.category": all_of(
            {
                "intrusion_detection": every if kind == "THREAT" else none,
                "threat": every if kind == "THREAT" else none,
                "malware": one_of(sub, "virus", "wildfire-virus", "spyware"),
                "network": none if kind in ("SYSTEM", "CONFIG") else every,
                "iam": every if kind == "USERID" else none,
                "authentication": every if kind == "AUTHENTICATION" else one_of(sub, "auth"),
                "configuration": every if kind == "CONFIG" else none,
                "host": every if kind == "SYSTEM" else none,
                "web": one_of(sub, "url"),
            }
        ),
        "event.type": all_of(
            {
                "start": one_of(sub, "start"),
                "end": one_of(sub, "end"),
                "denied": pc.or_(one_of(sub, "drop", "deny"), pc.invert(allowed)) if session else none,
                "allowed": allowed if session else none,
                "connection": every if kind == "TRAFFIC" else none,
                "change": every if kind == "CONFIG" else none,
                "info": none if session or kind == "CONFIG" else every,
            }
        ),
    }


def _threat(values: _Values) -> Columns:
    """`misc` is a URL, or the name of a file, by the kind of threat."""
    sub, misc = values["sub_type"], values["misc"]
    slash = pc.match_substring_regex(misc, r"[/\\]")
    is_url = pc.or_(one_of(sub, "url"), pc.and_(one_of(sub, "virus", "vulnerability"), pc.match_substring(misc, "/")))
    url = when(is_url, misc)
    parts = captured(pc.extract_regex(url, URL))
    path = when(pc.and_(one_of(sub, "file"), slash), misc)
    name = when(pc.and_(one_of(sub, "file", "virus", "vulnerability"), pc.invert(slash)), misc)
    direction = values["direction"]
    http2 = values["http2_connection"]
    threat = captured(pc.extract_regex(values["threat"], r"^(?P<name>.*?)(?:\((?P<id>[0-9]+)\))?$"))
    return {
        **parts,
        "url.original": url,
        "url.extension": urls.extension(parts["url.path"]),
        "destination.domain": when(parts["url.port"].is_null(), parts["url.domain"]),
        "file.path": path,
        "file.name": pc.coalesce(name, pc.replace_substring_regex(path, r"^.*[/\\]", "")),
        "http.version": when(pc.not_equal(http2, "0"), "2"),
        "network.direction": pc.coalesce(mapped(direction, DIRECTIONS), when(sub.is_valid(), "unknown")),
        "panw.panos.threat.name": threat["name"],
        "panw.panos.threat.id": threat["id"],
    }


def _remote(values: _Values) -> Columns:
    """GlobalProtect: the private address is the tunnel's, the public one the client's in the world."""
    found: Columns = {}
    for field, name in (("source.ip", "private"), ("source.nat.ip", "public")):
        four, six = values[f"{name}.ip"], values[f"{name}.ipv6"]
        empty = pc.equal(four, "0.0.0.0").fill_null(True)  # noqa: S104
        other = when(pc.not_equal(six, "0.0.0.0"), six)  # noqa: S104
        found[field] = pc.if_else(empty, pc.coalesce(other, four), four)
    return found | {"host.os.family": values["client_os"]}


def _of_device(kind: str, values: _Values) -> Columns:
    """Who did what to the firewall itself; of a log-in the system log says it in words."""
    text = values["description"]
    said = captured(
        pc.extract_regex(
            text,
            r"(?i)(?:user|for user|authentication for user|auth for user) '?(?P<user>[^ ']+)'?.*?"
            r"(?:from:? '?(?P<address>[0-9A-Fa-f.:]+)'?)?",
        )
    )
    address = captured(pc.extract_regex(text, r"(?i)\bfrom:? '?(?P<address>[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*[0-9A-Fa-f])"))
    failed = pc.match_substring_regex(text, r"(?i)\b(?:fail|invalid|denied|unsuccessful)")
    passed = pc.match_substring_regex(text, r"(?i)(?:authenticated|logged (?:in|out)|succe)")
    result = pc.utf8_lower(values["result"])
    by_text = pc.coalesce(when(failed, "failure"), when(passed, "success"))
    by_result = pc.coalesce(
        when(pc.match_substring_regex(result, "succeeded|success|submitted"), "success"),
        when(pc.match_substring_regex(result, "fail|unauthorized|invalid"), "failure"),
    )
    users = _users(kind, values)
    status = pc.utf8_lower(values["status"])
    return {
        "event.outcome": pc.coalesce(by_result, when(one_of(status, "success", "failure"), status), by_text),
        "event.reason": text,
        "user.name": pc.coalesce(values["admin"], users["user.name"], said["user"]),
        "source.ip": pc.coalesce(values["host"], values["source.ip"], address["address"]),
    }


PARSER = Parser(
    module="panw",
    dataset="panw.panos",
    signature=r"[^,]{0,64},[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8},[^,]*,[A-Z-]+,",
    read=read,
)

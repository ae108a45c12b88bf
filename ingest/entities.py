"""entities: what every event gets from its own columns: checked addresses and `related.*`.

In:   a flat batch in the making
Out:  `*.ip` or `*.domain` from `*.address` and the other way; MACs in one form; `network.type`, `network.community_id`;
      `related.ip`, `related.user`, `related.hosts`, `related.hash`
Docs: ECS source.address, source.mac, network.type, related.*
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Sheet, list_of
from ingest.community_id import WITH_PORTS, community_ids
from ingest.event import TEXT, Columns

SIDES = ("source", "destination", "client", "server")
ADDRESSES = (*(f"{side}.ip" for side in SIDES), "source.nat.ip", "destination.nat.ip", "observer.ip")
RELATED: dict[str, tuple[str, ...]] = {
    "related.ip": (*ADDRESSES, "host.ip", "dns.resolved_ip"),
    "related.user": (
        "user.name",
        "user.effective.name",
        "user.target.name",
        "source.user.name",
        "destination.user.name",
    ),
    "related.hosts": (
        "host.name",
        "observer.name",
        "observer.hostname",
        "source.domain",
        "destination.domain",
        "url.domain",
    ),
    "related.hash": ("process.hash.md5", "process.hash.sha1", "process.hash.sha256", "file.hash.sha256"),
}
MACS = ("source.mac", "destination.mac")
FLOW = ("source.ip", "source.port", "destination.ip", "destination.port", "network.transport")


def complete(sheet: Sheet) -> None:
    """A parser need only fill `source.address`; what it put into a `*.ip` column and is no address is taken out."""
    for name in ADDRESSES:
        if sheet.has(name):
            sheet.replace(name, _kept(sheet.column(name), ip))
    for name in MACS:
        if sheet.has(name):
            sheet.replace(name, _kept(sheet.column(name), mac))
    for side in SIDES:
        if sheet.has(f"{side}.address"):
            _replace(sheet, _resolved(side, sheet))
        if sheet.has(f"{side}.ip"):
            address = pc.coalesce(sheet.column(f"{side}.address"), sheet.column(f"{side}.ip"))
            sheet.replace(f"{side}.address", address)
    if sheet.has("source.ip") and sheet.has("destination.ip"):
        _replace(sheet, _network(sheet))
    for name, members in RELATED.items():
        present = [sheet.column(member) for member in members if sheet.has(member)]
        if present:
            sheet.put({name: list_of(present)})


def _replace(sheet: Sheet, columns: Columns) -> None:
    for name, column in columns.items():
        sheet.replace(name, column)


def _resolved(side: str, sheet: Sheet) -> Columns:
    address, known = sheet.column(f"{side}.address"), sheet.column(f"{side}.ip")
    missing = pc.and_(address.is_valid(), known.is_null())
    open_address = pc.if_else(missing, address, pa.scalar(None, TEXT))
    found = _kept(open_address, ip)
    columns = {f"{side}.ip": pc.coalesce(known, found)}
    if side in ("source", "destination"):
        name = _kept(pc.if_else(found.is_null(), open_address, pa.scalar(None, TEXT)), domain)
        columns[f"{side}.domain"] = pc.coalesce(sheet.column(f"{side}.domain"), name)
    return columns


def _network(sheet: Sheet) -> Columns:
    """Of a connection, what its two ends say; what its device wrote itself stands."""
    source, destination = sheet.column("source.ip"), sheet.column("destination.ip")
    kind = pc.if_else(pc.match_substring(source, ":"), "ipv6", "ipv4")
    both = pc.if_else(destination.is_valid(), kind, pa.scalar(None, TEXT))
    columns = {"network.type": pc.coalesce(sheet.column("network.type"), both)}
    if all(sheet.has(name) for name in FLOW):
        written = sheet.column("network.community_id")
        transport = sheet.column("network.transport")
        wanted = pc.and_(written.is_null(), pc.is_in(transport, pa.array([*WITH_PORTS])))
        flow = [*(sheet.column(name) for name in FLOW[:-1]), pc.if_else(wanted, transport, pa.scalar(None, TEXT))]
        columns["network.community_id"] = pc.coalesce(written, community_ids(*flow))
    return columns


def _kept(column: pa.Array, of: Callable[[str], str | None]) -> pa.Array:
    """What `of` makes of each value; each distinct one is asked once."""
    distinct = column.dictionary_encode()
    return pa.array([of(value) for value in distinct.dictionary.to_pylist()], TEXT).take(distinct.indices)


def ip(text: str) -> str | None:
    """The address that the text is, else None.

    An IPv4 client of a socket for both families is written ::ffff:192.0.2.1; it is the same client as 192.0.2.1, and
    must count as one. The C library's test is as strict as `ipaddress` and ten times as fast.
    """
    if text[:7].lower() == "::ffff:" and "." in text:
        text = text[7:]
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):
        return None
    return text


_DOMAIN = re.compile(r"(?=.*[^\W\d])[\w-][\w.-]{0,252}")


def domain(text: str) -> str | None:
    return text if _DOMAIN.fullmatch(text) else None


_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-]?)(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}[.-]){2}[0-9A-Fa-f]{4}")


def mac(text: str) -> str:
    """As ECS writes it, 00-00-5E-00-53-23, whatever the device's habit; what is none stays."""
    if not _MAC.fullmatch(text):
        return text
    digits = re.sub("[:.-]", "", text).upper()
    return "-".join(digits[at : at + 2] for at in range(0, 12, 2))

"""entities: what every event gets from its own columns: checked addresses and `related.*`.

In:   a flat batch in the making
Out:  `*.ip` or `*.domain` from `*.address`; `related.ip`, `related.user`, `related.hosts`
Docs: ECS source.address, related.*
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Sheet, list_of
from ingest.event import TEXT, Columns

SIDES = ("source", "destination", "client", "server")
ADDRESSES = (*(f"{side}.ip" for side in SIDES), "source.nat.ip", "destination.nat.ip", "observer.ip")
RELATED: dict[str, tuple[str, ...]] = {
    "related.ip": ADDRESSES,
    "related.user": (
        "user.name",
        "user.effective.name",
        "user.target.name",
        "source.user.name",
        "destination.user.name",
    ),
    "related.hosts": ("host.name", "source.domain", "destination.domain", "url.domain"),
}


def complete(sheet: Sheet) -> None:
    """A parser need only fill `source.address`; what it put into a `*.ip` column and is no address is taken out."""
    for name in ADDRESSES:
        if sheet.has(name):
            sheet.replace(name, _kept(sheet.column(name), ip))
    for side in SIDES:
        if sheet.has(f"{side}.address"):
            sheet.put(_resolved(side, sheet))
    for name, members in RELATED.items():
        present = [sheet.column(member) for member in members if sheet.has(member)]
        if present:
            sheet.put({name: list_of(present)})


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

r"""cef: the two event formats that many devices share, CEF and LEEF: header and pairs.

In:   a column of texts, `CEF:0|Vendor|Product|Version|ID|Name|Severity|key=value ...` or
      `LEEF:2.0|Vendor|Product|Version|ID|^|key=value^key=value`
Out:  the rows that are one, the columns of their headers, and their pairs
Docs: ArcSight Common Event Format, version 26 (2022); QRadar Log Event Extended Format 1.0 and 2.0
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.claims import captured
from ingest.columns import Rows, is_true, is_valid
from ingest.event import Columns
from ingest.formats import epochs, key_value
from ingest.formats.key_value import Pairs
from ingest.formats.labels import mapped, when
from ingest.lines import Context

# F5's application firewall puts its own name before the format's, without a blank that would end a tag.
_PART = r"(?:[^|\\]|\\.)*"
CEF = (
    rf"(?s)^(?:ASM: ?)?(?:CEF: ?)?[0-9]+(?:\.[0-9]+)?\|(?P<vendor>{_PART})\|(?P<product>{_PART})\|(?P<version>{_PART})"
    rf"\|(?P<code>{_PART})\|"
    rf"(?P<name>{_PART})\|(?P<severity>{_PART})(?:\| ?(?P<extension>.*))?$"
)
# LEEF 2.0 may name its separator, as itself or as its number: ^, x5E, 0x5E.
LEEF = (
    r"(?s)^LEEF: ?(?P<format>[0-9.]+)\|(?P<vendor>[^|]*)\|(?P<product>[^|]*)\|(?P<version>[^|]*)\|(?P<code>[^|]*)\|"
    r"(?:(?P<separator>.|0?[xX][0-9A-Fa-f]{1,4})\|)?(?P<extension>.*)$"
)
SEVERITIES = {"low": "1", "medium": "5", "high": "7", "very-high": "9", "unknown": "0"}


@dataclass(frozen=True)
class Events:
    rows: Rows
    header: Columns
    """`vendor`, `product`, `version`, `code`, of CEF also `name` and `severity`."""
    pairs: Pairs


def read_cef(messages: pa.Array) -> Events:
    header = captured(pc.extract_regex(messages, CEF))
    rows = np.flatnonzero(is_valid(pc.coalesce(header["vendor"], header["product"])))
    header = {name: column.take(pa.array(rows)) for name, column in header.items()}
    pairs = key_value.split(header.pop("extension").fill_null(""), quotes=False)
    header = {name: _unescaped(column) for name, column in header.items()}
    return Events(rows, header, Pairs(pairs.count, pairs.rows, pairs.keys, _unescaped(pairs.values)))


def read_leef(messages: pa.Array) -> Events:
    header = captured(pc.extract_regex(messages, LEEF))
    rows = np.flatnonzero(is_valid(header["vendor"]))
    header = {name: column.take(pa.array(rows)) for name, column in header.items()}
    extension = header.pop("extension").fill_null("")
    separator = header.pop("separator")
    tabbed = is_true(pc.match_substring(extension, "\t"))
    found = []
    for name in [*separator.unique().drop_null().to_pylist(), None]:
        mine = is_true(pc.equal(separator, name)) if name else ~is_valid(separator)
        # A relay may have made blanks of the tabs.
        for at, letters in ((mine & tabbed, _letter(name)), (mine & ~tabbed, _letter(name) if name else b" ")):
            places = np.flatnonzero(at)
            if len(places):
                pairs = key_value.split(extension.take(pa.array(places)), separators=letters, quotes=False)
                found.append((places, pairs))
    return Events(rows, header, _together(len(rows), found))


def _letter(name: str | None) -> bytes:
    if name is None:
        return b"\t"
    number = name.lower().removeprefix("0").removeprefix("x")
    if len(name) > 1:
        return bytes([int(number, 16) & 0x7F])
    # Pairs are told apart by single bytes; a letter of more than one is no separator of any device.
    return name.encode() if name.isascii() else b"\t"


def _together(count: int, parts: list[tuple[Rows, Pairs]]) -> Pairs:
    if not parts:
        return key_value.split(pa.array([], pa.string()))
    rows = np.concatenate([places[pairs.rows] for places, pairs in parts])
    order = np.argsort(rows, kind="stable")
    at = pa.array(order)
    keys = pa.concat_arrays([pairs.keys.dictionary.take(pairs.keys.indices) for _, pairs in parts]).take(at)
    values = pa.concat_arrays([pairs.values for _, pairs in parts]).take(at)
    return Pairs(count, rows[order], keys.dictionary_encode(), values)


def _unescaped(values: pa.Array) -> pa.Array:
    r"""CEF's `\|`, `\=`, `\\`, `\n` and `\r`."""
    if not pc.any(pc.match_substring(values, "\\")).as_py():
        return values
    values = pc.replace_substring(values, "\\\\", "\x00")
    values = pc.replace_substring(pc.replace_substring(values, "\\n", "\n"), "\\r", "\r")
    return pc.replace_substring(pc.replace_substring_regex(values, r"\\([|=])", r"\1"), "\x00", "\\")


def times(column: pa.Array, context: Context) -> pa.Array:
    """What devices write for a time: milliseconds or seconds since 1970, `Mar 05 2026 08:15:02.123 UTC`, ISO 8601."""
    digits = when(pc.match_substring_regex(column, "^[0-9]{13}$"), column)
    milliseconds = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(digits, 0, 10), pc.utf8_slice_codeunits(digits, 10, 13), "."
    )
    named = captured(pc.extract_regex(column, r"^(?P<stamp>[A-Z][a-z]{2} .*?)(?: (?P<zone>UTC|GMT|Z))?$"))
    zone = pc.if_else(named["zone"].is_valid(), "UTC", context.zone)
    return pc.coalesce(
        epochs.seconds(milliseconds),
        epochs.seconds(when(pc.match_substring_regex(column, "^[0-9]{10}$"), column)),
        stamps.bsd(named["stamp"], context.received, zone),
        stamps.iso(column, context.zone),
    )


def severity(column: pa.Array) -> pa.Array:
    return pc.coalesce(mapped(pc.utf8_lower(column), SEVERITIES), column)

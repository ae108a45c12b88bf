"""syslog: the header of a line, and the message behind it.

In:   a column of lines as text
Out:  `Headers`, row for row
Docs: RFC 5424 §6; RFC 3164 §4; rsyslog's RSYSLOG_FileFormat

A header of RFC 3164 is peeled in steps (priority, stamp, host and tag), each an ordered table of shapes: every
combination of them is read, a row pays only for the shapes before its own, and a new device adds one row to one table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Sheet, is_true
from ingest.event import MAP, TEXT
from ingest.lines import Pattern, captured, claim

BARE, RFC3164, RFC5424, BROKEN = range(4)
"""Forms of a line: without a syslog header; of one of the two kinds; an RFC 5424 header that breaks off."""

FACILITIES = [
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news"),
    *("uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock"),
    *(f"local{number}" for number in range(8)),
]
SEVERITIES = ["Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"]

PRIORITY = r"<(?P<priority>0|[1-9][0-9]?|1[0-8][0-9]|19[01])>"

# RFC 5424. The second pattern reads as far as a broken header is right.
_VERSION = rf"{PRIORITY}(?P<version>[1-9][0-9]{{0,2}})"
_STAMP = r"(?:-|(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})))"
_NAME = r"[!#-<>-\\^-~]"
_PARAMETER = rf'{_NAME}{{1,32}}="(?:[^"\\\]]|\\.)*"'
_DATA = rf"(?P<data>-|(?:\[{_NAME}{{1,32}}(?: {_PARAMETER})*\])+)"
_HEADER = [f" {_STAMP}", r" (?P<host>[!-~]+)", r" (?P<program>[!-~]+)", r" (?P<procid>[!-~]+)", r" (?P<msgid>[!-~]+)"]
SHAPES_5424 = [
    Pattern(_VERSION + "".join(_HEADER) + rf" {_DATA}(?: (?:\x{{FEFF}})?(?P<message>.*))?"),
    Pattern(_VERSION + "(?:".join(["", *_HEADER]) + ")?" * len(_HEADER) + "(?: .*)?"),
]
LONGEST_5424 = {"host": 255, "program": 48, "procid": 128, "msgid": 32}

# RFC 3164 and what devices make of it, behind the priority.
_DAY = r"[A-Z][a-z]{2} [ 0-9]?[0-9] (?:[0-9]{4} )?"
_BSD = rf"(?P<bsd>{_DAY}[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]{{1,9}})?(?: (?:19|20)[0-9]{{2}})?)"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
SHAPE_PRIORITY = Pattern(rf"{PRIORITY}(?P<rest>.*)")
SHAPES_STAMP = [
    Pattern(rf"{_BSD}(?P<rest> .*)"),
    Pattern(rf"(?P<iso>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_TIME})(?P<rest> .*)"),
    Pattern(rf"(?P<msgid>[0-9]+): [*.]?{_BSD}:?(?P<rest> .*)"),
    Pattern(rf"[*.]{_BSD}:?(?P<rest> .*)"),
]
_HOST = r"(?P<host>[^\s:\[\]{}\"]+|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*(?:%\w+)?\]?)"
# Neither a JSON object nor an IPv6 client of an access log may look like "program: message".
_PROGRAM = r"(?P<program>[^\s:\[\]{}\"'<>=,;|]+)"
_TAG = rf"{_PROGRAM}(?:\[(?P<procid>[^\]\s]*)\]:? ?|:(?: |$))(?P<message>.*)"
SHAPES_TAG = [
    Pattern(rf" {_HOST} {_TAG}"),
    Pattern(rf" {_TAG}"),
    Pattern(r" (?P<message>(?:last )?message repeated [0-9]+ times.*)"),
    Pattern(rf" {_HOST} (?P<message>.*)"),
    Pattern(r" (?P<message>.*)"),
]

_ELEMENT = re.compile(rf"\[({_NAME}+)((?: {_PARAMETER})*)\]", re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\\]])')
_PAIR = re.compile(rf'({_NAME}+)="((?:[^"\\\]]|\\.)*)"', re.DOTALL)


@dataclass(frozen=True)
class Headers:
    """Columns of the lines' headers; null where a line does not say."""

    form: np.ndarray[Any, np.dtype[np.int8]]
    """BARE, RFC3164, RFC5424 or BROKEN."""
    priority: pa.Array
    version: pa.Array
    iso: pa.Array
    """A stamp with its year."""
    bsd: pa.Array
    """A stamp such as `Mar  5 08:15:02`."""
    host: pa.Array
    program: pa.Array
    procid: pa.Array
    msgid: pa.Array
    structured_data: pa.Array
    """`id.name` -> value of every parameter; an element without parameters is `id` -> ""."""
    message: pa.Array
    """What follows the header; of a BARE line all of it, of a BROKEN one null."""


COLUMNS = ("priority", "version", "iso", "bsd", "host", "program", "procid", "msgid", "message")


def read(text: pa.Array) -> Headers:
    sheet = Sheet(len(text))
    form = np.full(len(text), BARE, dtype=np.int8)
    _read_5424(text, sheet, form)
    _read_3164(text, sheet, form)
    bare = np.flatnonzero(form == BARE)
    sheet.put({"message": text.take(pa.array(bare))}, bare)
    columns = {name: sheet.column(name) for name in COLUMNS}
    return Headers(form=form, structured_data=sheet.column("log.syslog.structured_data"), **columns)


def _read_5424(text: pa.Array, sheet: Sheet, form: np.ndarray[Any, np.dtype[np.int8]]) -> None:
    for shape, rows, groups in claim(text, SHAPES_5424):
        columns = captured(groups)
        kept = {name: _unless_nil(columns[name]) for name in ("host", "program", "procid", "msgid")}
        sheet.put(
            {"priority": columns["priority"], "version": columns["version"], "iso": columns["stamp"], **kept}, rows
        )
        form[rows] = BROKEN
        if shape == 0:
            data = columns["data"]
            elements = np.flatnonzero(is_true(pc.not_equal(data, "-")))
            structured = [structured_data(text) for text in data.take(pa.array(elements)).to_pylist()]
            too_long = [
                is_true(pc.greater(pc.binary_length(columns[name]), most)) for name, most in LONGEST_5424.items()
            ]
            sound = ~np.logical_or.reduce(too_long)
            sound[[row for row, known in zip(elements, structured, strict=True) if known is None]] = False
            form[rows[sound]] = RFC5424
            sheet.put({"message": columns["message"].filter(pa.array(sound))}, rows[sound])
            sheet.put({"log.syslog.structured_data": pa.array(structured, MAP)}, rows[elements])


def _read_3164(text: pa.Array, sheet: Sheet, form: np.ndarray[Any, np.dtype[np.int8]]) -> None:
    """Fills the rows that are still BARE."""
    rows = np.flatnonzero(form == BARE)
    rest = text if len(rows) == len(text) else text.take(pa.array(rows))
    behind = Sheet(len(rows))
    behind.put({"rest": rest})
    with_priority = np.zeros(len(rows), dtype=np.bool_)
    for _, at, groups in claim(rest, [SHAPE_PRIORITY]):
        with_priority[at] = True
        sheet.put({"priority": groups.field("priority")}, rows[at])
        behind.put({"rest": groups.field("rest")}, at)
    rest = behind.column("rest")
    tagged = Sheet(len(rows))
    for _, at, groups in claim(rest, SHAPES_STAMP):
        columns = captured(groups)
        tagged.put({"rest": columns.pop("rest")}, at)
        sheet.put(columns, rows[at])
        form[rows[at]] = RFC3164
    for _, at, groups in claim(tagged.column("rest"), SHAPES_TAG):
        sheet.put(captured(groups), rows[at])
    # A priority and no stamp: RFC 3164 §4.3.3 takes all that follows as the message.
    alone = with_priority & (form[rows] == BARE)
    form[rows[alone]] = RFC3164
    sheet.put({"message": rest.filter(pa.array(alone))}, rows[alone])


def structured_data(text: str) -> list[tuple[str, str]] | None:
    """The parameters of RFC 5424 elements with their escapes undone; None when an element's id stands twice."""
    pairs: dict[str, str] = {}
    ids: set[str] = set()
    for element in _ELEMENT.finditer(text):
        if element[1] in ids:
            return None
        ids.add(element[1])
        for name, value in _PAIR.findall(element[2]):
            pairs[f"{element[1]}.{name}"] = _ESCAPE.sub(r"\1", value)
        if not element[2]:
            pairs[element[1]] = ""
    return list(pairs.items())


def _unless_nil(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(column, "-"), pa.scalar(None, TEXT), column)

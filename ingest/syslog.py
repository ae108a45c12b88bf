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
"""Forms of a line: no syslog header, or a priority alone; one of the two kinds; RFC 5424 with a fault."""

FACILITIES = [
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news"),
    *("uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock"),
    *(f"local{number}" for number in range(8)),
]
SEVERITIES = ["Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"]

PRIORITY = r"<(?P<priority>0|[1-9][0-9]?|1[0-8][0-9]|19[01])>"

# RFC 5424. A stray backslash is against it, but agents on Windows write paths so: the second shape reads all of such a
# line. The third reads as far as a broken header is right.
_VERSION = rf"{PRIORITY}(?P<version>[1-9][0-9]{{0,2}})"
_STAMP = r"(?:-|(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})))"
_NAME = r"[!#-<>-\\^-~]"
_PARAMETER = rf'{_NAME}{{1,32}}="(?:[^"\\\]]|\\["\\\]])*"'
_LOOSE_PARAMETER = rf'{_NAME}{{1,32}}="(?:[^"\\\]]|\\.)*"'
_DATA = r"(?P<data>-|(?:\[%s{1,32}(?: %s)*\])+)"
_MESSAGE = r"(?: (?:\x{FEFF})?(?P<message>.*))?"
_HEADER = [f" {_STAMP}", r" (?P<host>[!-~]+)", r" (?P<program>[!-~]+)", r" (?P<procid>[!-~]+)", r" (?P<msgid>[!-~]+)"]
SHAPES_5424 = [
    Pattern(_VERSION + "".join(_HEADER) + " " + _DATA % (_NAME, _PARAMETER) + _MESSAGE),
    Pattern(_VERSION + "".join(_HEADER) + " " + _DATA % (_NAME, _LOOSE_PARAMETER) + _MESSAGE),
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

# Not a mere "word: text", which any message may begin with.
SHAPE_UNSTAMPED = Pattern(rf"{_PROGRAM}\[(?P<procid>[^\]\s]*)\]: ?(?P<message>.*)")

_ELEMENT = re.compile(rf"\[({_NAME}+)((?: {_LOOSE_PARAMETER})*)\]", re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\\]])')
_PAIR = re.compile(rf'({_NAME}+)="((?:[^"\\\]]|\\.)*)"', re.DOTALL)


Form = np.ndarray[Any, np.dtype[np.int8]]


@dataclass(frozen=True)
class Headers:
    """Columns of the lines' headers; null where a line does not say."""

    form: Form
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
    """What follows the header; of a BARE line all behind its priority, of a BROKEN one what was reached."""


COLUMNS = ("priority", "version", "iso", "bsd", "host", "program", "procid", "msgid", "message")


def read(text: pa.Array) -> Headers:
    sheet = Sheet(len(text))
    form = np.full(len(text), BARE, dtype=np.int8)
    _read_5424(text, sheet, form)
    _read_3164(text, sheet, form)
    columns = {name: sheet.column(name) for name in COLUMNS}
    return Headers(form=form, structured_data=sheet.column("log.syslog.structured_data"), **columns)


def _read_5424(text: pa.Array, sheet: Sheet, form: Form) -> None:
    for shape, rows, groups in claim(text, SHAPES_5424):
        columns = captured(groups)
        form[rows] = RFC5424 if shape == 0 else BROKEN
        for name, longest in LONGEST_5424.items():
            form[rows[is_true(pc.greater(pc.binary_length(columns[name]), longest))]] = BROKEN
            columns[name] = _unless_nil(columns[name])
        columns["iso"] = columns.pop("stamp")
        if "data" in columns:
            data = columns.pop("data")
            at = np.flatnonzero(is_true(pc.not_equal(data, "-")))
            elements = [structured_data(element) for element in data.take(pa.array(at)).to_pylist()]
            form[[row for row, known in zip(rows[at], elements, strict=True) if known is None]] = BROKEN
            sheet.put({"log.syslog.structured_data": pa.array(elements, MAP)}, rows[at])
        sheet.put(columns, rows)


def _read_3164(text: pa.Array, sheet: Sheet, form: Form) -> None:
    """Fills the rows that are still BARE."""
    rows = np.flatnonzero(form == BARE)
    text = text.take(pa.array(rows))
    behind = Sheet(len(rows))
    behind.put({"priority": text})
    for _, at, groups in claim(text, [SHAPE_PRIORITY]):
        behind.put({"priority": groups.field("rest")}, at)
        sheet.put({"priority": groups.field("priority")}, rows[at])
    for _, at, groups in claim(behind.column("priority"), SHAPES_STAMP):
        columns = captured(groups)
        behind.put({"stamp": columns.pop("rest")}, at)
        sheet.put(columns, rows[at])
        form[rows[at]] = RFC3164
    for _, at, groups in claim(behind.column("stamp"), SHAPES_TAG):
        sheet.put(captured(groups), rows[at])
    bare = np.flatnonzero(form[rows] == BARE)
    messages = behind.column("priority").take(pa.array(bare))
    sheet.put({"message": messages}, rows[bare])
    for _, at, groups in claim(messages, [SHAPE_UNSTAMPED]):
        sheet.put(captured(groups), rows[bare[at]])
        form[rows[bare[at]]] = RFC3164


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

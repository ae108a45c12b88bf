"""syslog: the header of a line, and the message behind it.

In:   a column of lines as text
Out:  `Headers`, row for row
Docs: RFC 5424 §6; RFC 3164 §4; rsyslog's RSYSLOG_FileFormat; `ingest.syslog_shapes`

Most lines are read whole by one pattern. A header of RFC 3164 that is not is peeled in steps (priority, stamp, host and
tag), each an ordered table of shapes: every combination of them is read, and a row pays only for the shapes before its
own. Behind a relay's header there may be that of the host it speaks for: the inner one is the line's.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import syslog_shapes as shapes
from ingest.claims import captured, claim, unless_empty
from ingest.columns import Mask, Rows, Sheet, is_true, is_valid
from ingest.event import MAP, TEXT, Columns
from ingest.formats.spans import Text

BARE, RFC3164, RFC5424, BROKEN = range(4)
"""Forms of a line: no syslog header, or a priority alone; one of the two kinds; RFC 5424 with a fault."""

FACILITIES = [
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news"),
    *("uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock"),
    *(f"local{number}" for number in range(8)),
]
SEVERITIES = ["Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"]

_ELEMENT = re.compile(rf"\[({shapes.NAME}+)((?: {shapes.LOOSE_PARAMETER})*)\]", re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\\]])')
_PAIR = re.compile(rf'({shapes.NAME}+)="((?:[^"\\\]]|\\.)*)"', re.DOTALL)
_OFFSET = re.compile(r"(?:TZ|UTC|GMT)?([+-])([0-9]{1,2}):?([0-9]{2})?")
# Of an application's own log: a level, a thread or a field stands where a host would.
_NO_HOST = r"^(?i:emerg|alert|crit|critical|fatal|err|error|severe|warn|warning|notice|info|debug|trace|[0-9]+|-)$"

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
    zone: pa.Array
    """The offset that the header writes beside its stamp, as `+07:00`."""
    host: pa.Array
    program: pa.Array
    procid: pa.Array
    msgid: pa.Array
    level: pa.Array
    """A level in words, as F5 and BusyBox write before the tag."""
    structured_data: pa.Array
    """`id.name` -> value of every parameter; an element without parameters is `id` -> ""."""
    message: pa.Array
    """What follows the header; of a BARE line all behind its priority, of a BROKEN one what was not reached."""


COLUMNS = ("priority", "version", "iso", "bsd", "zone", "host", "program", "procid", "msgid", "level", "message")
DATA = "log.syslog.structured_data"
NO_PROGRAMS = pa.array([], TEXT)
NOTHING = pa.scalar(None, TEXT)


def read(text: pa.Array, programs: pa.Array = NO_PROGRAMS) -> Headers:
    """`programs`, in lower case, are known as tags where no colon follows them."""
    sheet, form = _read(text, programs)
    _take_solaris_id(sheet)
    return Headers(form, structured_data=sheet.column(DATA), **{name: sheet.column(name) for name in COLUMNS})


def _read(text: pa.Array, programs: pa.Array, relayed: bool = False) -> tuple[Sheet, Form]:
    sheet = Sheet(len(text))
    form = np.full(len(text), BARE, dtype=np.int8)
    # No header begins as a JSON object does, and those are the longest lines: they are neither read nor copied.
    object_ = is_true(pc.starts_with(text, "{"))
    left = np.flatnonzero(~object_)
    if len(left) < len(text):
        sheet.put({"message": text.filter(pa.array(object_))}, np.flatnonzero(object_))
        text = text.take(pa.array(left))
    _read_usual(text, left, sheet, form)
    for read in (_read_5424, partial(_read_3164, programs=programs, relayed=relayed)):
        still = np.flatnonzero(form[left] == BARE)
        text, left = text.take(pa.array(still)), left[still]
        read(text, left, sheet, form)
    return sheet, form


def _read_usual(text: pa.Array, left: Rows, sheet: Sheet, form: Form) -> None:
    """Of the lines `text`, which are the rows `left` of the batch, those whose header most lines have."""
    groups = pc.extract_regex(text, shapes.USUAL)
    usual = is_valid(groups) & ~is_true(pc.match_substring_regex(groups.field("host"), shapes.UNUSUAL_HOST))
    at = np.flatnonzero(usual)
    if not len(at):
        return
    priority, stamp, host, tag = groups.filter(pa.array(usual)).flatten()
    lengths = [pc.binary_length(column).to_numpy() for column in (priority, stamp, host, tag)]
    lines = Text(text)
    begins = lines.begins[at] + sum(lengths) + np.where(lengths[0], len("<>"), 0) + len("  : ")
    by_year = pc.less(stamp, ":")  # begins with a digit
    sheet.put(
        {
            "priority": unless_empty(priority),
            "bsd": pc.if_else(by_year, NOTHING, stamp),
            "iso": pc.if_else(by_year, stamp, NOTHING),
            "host": host,
            "message": unless_empty(lines.cut(begins, lines.ends[at])),
            **captured(pc.extract_regex(tag, shapes.USUAL_TAG)),
        },
        left[at],
    )
    form[left[at]] = RFC3164


def _read_5424(text: pa.Array, left: Rows, sheet: Sheet, form: Form) -> None:
    for shape, at, groups in claim(text, shapes.RFC5424):
        rows, columns = left[at], _dated(captured(groups))
        form[rows] = {shapes.WHOLE_5424: RFC5424, shapes.EPOCH_5424: RFC3164}.get(shape, BROKEN)
        for name in shapes.LONGEST.keys() & columns.keys():
            form[rows[is_true(pc.greater(pc.binary_length(columns[name]), shapes.LONGEST[name]))]] = BROKEN
            columns[name] = _unless_nil(columns[name])
        if "data" in columns:
            data = columns.pop("data")
            filled = np.flatnonzero(is_true(pc.not_equal(data, "-")))
            elements = [structured_data(element) for element in data.take(pa.array(filled)).to_pylist()]
            form[[row for row, known in zip(rows[filled], elements, strict=True) if known is None]] = BROKEN
            sheet.put({DATA: pa.array(elements, MAP)}, rows[filled])
        sheet.put(columns, rows)


def _read_3164(text: pa.Array, left: Rows, sheet: Sheet, form: Form, programs: pa.Array, relayed: bool) -> None:
    if not len(left):
        return
    steps = Sheet(len(left))
    steps.put({"rest": text})
    for _, rows, groups in claim(steps.column("rest"), shapes.WITH_PRIORITY):
        steps.put({name: groups.field(name) for name in ("priority", "rest")}, rows)
    guard = np.full(len(left), -1, dtype=np.int8)
    for number, rows, groups in claim(steps.column("rest"), shapes.STAMP_PATTERNS):
        columns = _dated(captured(groups))
        columns["rest"] = groups.field("rest")
        steps.put({"behind": columns.pop("rest"), **columns}, rows)
        guard[rows] = shapes.STAMPS[number].guard
    for number, rows, groups in claim(steps.column("behind"), shapes.TAGS):
        columns = captured(groups)
        if number == shapes.UNTAGGED:
            columns |= _without_colon(columns["message"], programs)
        if number == shapes.CONTAINER:
            guard[rows] = shapes.NO_GUARD
        steps.put(columns, rows)
    found = {name: steps.column(name) for name in COLUMNS}
    found["host"] = _unless_nil(found["host"])
    header = _is_header(found, guard)
    rows = np.flatnonzero(header)
    sheet.put({name: column.take(pa.array(rows)) for name, column in found.items()}, left[rows])
    form[left[rows]] = RFC3164
    _read_unstamped(steps, left, np.flatnonzero(~header), sheet, form)
    if not relayed and steps.has("again"):
        _read_again(steps.column("again"), left, header, sheet, form, programs)


def _take_solaris_id(sheet: Sheet) -> None:
    messages = sheet.column("message")
    begins = np.flatnonzero(is_true(pc.starts_with(messages, "[ID ")))
    for _, at, groups in claim(messages.take(pa.array(begins)), shapes.SOLARIS):
        sheet.put(captured(groups), begins[at])


def _is_header(found: Columns, guard: Form) -> Mask:
    """Is what has a stamp a header, or does an application's own log begin like one?"""
    host = is_valid(found["host"]) & ~is_true(pc.match_substring_regex(found["host"], _NO_HOST))
    program = is_valid(found["program"])
    by_guard = {
        shapes.NO_GUARD: np.ones(len(guard), dtype=np.bool_),
        shapes.NEEDS_HOST_OR_PROGRAM: host | program,
        shapes.NEEDS_BOTH: (host | is_valid(found["level"])) & program,
    }
    enough = is_valid(found["priority"]) & (guard >= 0)
    for kind, rows in by_guard.items():
        enough |= (guard == kind) & rows
    return enough


def _read_unstamped(steps: Sheet, left: Rows, bare: Rows, sheet: Sheet, form: Form) -> None:
    """What has no stamp: a message, or a tag with a number in brackets before it."""
    messages = steps.column("rest").take(pa.array(bare))
    sheet.put({"priority": steps.column("priority").take(pa.array(bare)), "message": messages}, left[bare])
    # Few are, and whether one is costs a quarter of what it takes to find its parts.
    could = np.flatnonzero(is_true(pc.match_substring_regex(messages, shapes.ANY_UNSTAMPED)))
    for _, at, groups in claim(messages.take(pa.array(could)), shapes.UNSTAMPED):
        rows = left[bare[could[at]]]
        sheet.put(captured(groups), rows)
        form[rows] = RFC3164


def _read_again(again: pa.Array, left: Rows, header: Mask, sheet: Sheet, form: Form, programs: pa.Array) -> None:
    """The header behind a relay's. What begins like one and names no program is the relay's message."""
    at = np.flatnonzero(header & is_valid(again))
    text = again.take(pa.array(at))
    sheet.put({"message": text}, left[at])
    versioned = is_true(pc.starts_with(text, "1 "))
    inner, its_form = _read(pc.if_else(pa.array(versioned), _joined("<13>", text, by=""), text), programs, relayed=True)
    columns = {name: inner.column(name) for name in (*COLUMNS, DATA)}
    columns["priority"] = pc.if_else(pa.array(versioned), pa.scalar(None, TEXT), columns["priority"])
    cisco = is_true(pc.starts_with(columns["message"], "%"))
    named = is_valid(columns["program"]) | is_valid(columns["priority"]) | cisco
    taken = (its_form == RFC5424) | (its_form == RFC3164) & named
    rows = left[at[taken]]
    dated = is_valid(columns["iso"]) | is_valid(columns["bsd"])
    sheet.clear(("iso", "bsd", "zone"), left[at[taken & dated]])
    sheet.clear(("message",), rows)
    sheet.put({name: column.filter(pa.array(taken)) for name, column in columns.items()}, rows)
    form[rows] = its_form[taken]


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


def _dated(columns: Columns) -> Columns:
    """Stamps of any shape as `iso` or `bsd`, and the zone as an offset."""
    if "clock" in columns:
        year, month, day, clock = (columns.pop(name) for name in ("year", "month", "day", "clock"))
        if is_true(pc.match_substring_regex(month, "^[0-9]")).all():
            columns["iso"] = _joined(_joined(year, month, day, by="-"), clock, by=" ")
        else:
            columns["bsd"] = _joined(month, day, year, clock, by=" ")
    elif "year" in columns:
        year, bsd = columns.pop("year"), columns["bsd"]
        columns["bsd"] = pc.coalesce(_joined(bsd, year, by=" "), bsd)
    if "epoch" in columns:
        times = [
            datetime.datetime.fromtimestamp(float(time), datetime.UTC) for time in columns.pop("epoch").to_pylist()
        ]
        columns["iso"] = pa.array([time.isoformat() for time in times], TEXT)
    if "zone" in columns:
        distinct = columns["zone"].dictionary_encode()
        columns["zone"] = pa.array([_offset(zone) for zone in distinct.dictionary.to_pylist()], TEXT).take(
            distinct.indices
        )
    return columns


def _joined(*columns: pa.Array, by: str) -> pa.Array:
    return pc.binary_join_element_wise(*columns, by)


def _offset(zone: str) -> str | None:
    """`+07:00` for `ICT`, `+7`, `UTC+7`; None for a name that only its owner knows."""
    if zone.upper() in shapes.OFFSETS:
        return f"{shapes.OFFSETS[zone.upper()]:+03d}:00"
    parts = _OFFSET.fullmatch(zone)
    if not parts or int(parts[2]) > 14 or int(parts[3] or 0) > 59:
        return None
    return f"{parts[1]}{int(parts[2]):02d}:{parts[3] or '00'}"


def _without_colon(messages: pa.Array, programs: pa.Array) -> Columns:
    """The tag of messages that begin with the bare name of a known program."""
    word = pc.extract_regex(messages, r"(?s)^(?P<program>[^ ]+) (?P<message>.*)$")
    # `Login failed` begins a sentence of another program (SQL Server's), and is no tag of login(1).
    sentence = pc.match_substring_regex(word.field("program"), "^[A-Z][a-z]+$")
    name = pc.if_else(sentence, word.field("program"), pc.utf8_lower(word.field("program")))
    known = is_true(pc.is_in(name, programs))
    return {
        "program": pc.if_else(pa.array(known), word.field("program"), NOTHING),
        "message": pc.if_else(pa.array(known), word.field("message"), messages),
    }


def _unless_nil(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(column, "-"), NOTHING, column)

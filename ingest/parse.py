"""parse: raw lines -> flat ECS events, a batch at a time.

In:   a batch of `ingest.event.RAW` and the register of systems
Out:  a flat batch, row for row in the same order; its columns are those of `ingest.event.FIELDS` that have a value
Docs: docs/formats/README.md

What becomes of a line:
- its header is syslog and a parser knows its message, or it has no header and a parser knows the line: a categorised
  event;
- its header is syslog, and the program or the message is unknown: a plain event with the header's fields and `message`,
  of the program's dataset if the program is known, else `syslog.message`; no category, no outcome;
- it has no syslog header and no known form (a priority without a stamp is no header), its RFC 5424 header has a fault,
  or it is empty: `event.kind` is `pipeline_error`, `error.message` says why, and what could be read stays;
- a parser raises on it, which is a defect: the batch is halved until the line is found, and that line alone becomes a
  `pipeline_error`.
"""

from __future__ import annotations

import datetime
import importlib
import pkgutil
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from ingest import encoding, entities, parsers, stamps, syslog
from ingest.columns import Mask, Rows, Sheet, is_true, is_valid, list_of
from ingest.event import TEXT, Columns
from ingest.lines import Context, Parser, Pattern, captured, claim
from ingest.sources import Register

DEFECTS = (
    pa.ArrowException,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What faulty code raises on data; a lack of memory or an interrupt is not about the line."""

FAR_AHEAD = datetime.timedelta(days=1)
REPEATED = (Pattern(r"message repeated (?P<count>[0-9]+) times: \[ ?(?P<inner>.*)\]"),)
NO_FORM = "the line has no syslog header (a priority alone is none), and no parser knows its form"
BROKEN_HEADER = "the RFC 5424 header has a fault"
EMPTY = "the line is empty"


@lru_cache
def known_parsers() -> tuple[Parser, ...]:
    """The PARSER of every module in `ingest.parsers`, by module name."""
    names = sorted(module.name for module in pkgutil.iter_modules(parsers.__path__))
    return tuple(importlib.import_module(f"{parsers.__name__}.{name}").PARSER for name in names)


def parse(raw: pa.RecordBatch, register: Register) -> pa.RecordBatch:
    try:
        return _parse(raw, register)
    except DEFECTS as error:
        if raw.num_rows <= 1:
            return _defect(raw, error)
    half = raw.num_rows // 2
    return _joined([parse(raw.slice(0, half), register), parse(raw.slice(half), register)])


def _parse(raw: pa.RecordBatch, register: Register) -> pa.RecordBatch:
    text, escaped = encoding.decode(raw.column("value"))
    headers = syslog.read(pc.utf8_rtrim(text, characters="\r\n\0"))
    sheet = _identity(raw, text)
    context, owner = _source(headers, raw, register)
    ahead = _header(sheet, headers, context)
    known = _messages(sheet, headers.message, context)
    # After the parsers: whose line it is is the register's word, not the line's.
    sheet.put(owner)
    _errors(sheet, headers, text, known)
    _tags(sheet, {"encoding_escaped": escaped, "stamp_in_future": ahead})
    entities.complete(sheet)
    return sheet.batch()


def _identity(raw: pa.RecordBatch, text: pa.Array) -> Sheet:
    """What is known of a line without reading it."""
    sheet = Sheet(raw.num_rows)
    sheet.put(
        {
            "event.original": text,
            "event.id": _ids(raw),
            "event.kind": pa.repeat(pa.scalar("event"), raw.num_rows),
            "event.ingested": raw.column("received"),
            "@timestamp": raw.column("received"),
        }
    )
    return sheet


def _ids(raw: pa.RecordBatch) -> pa.Array:
    """The gateway's id; a line from elsewhere is named by its place in its topic."""
    given = raw.column("id")
    without = np.flatnonzero(~is_valid(given))
    if not len(without):
        return given
    places = raw.select(["topic", "partition", "offset"]).take(pa.array(without))
    hashes = [
        None if offset is None else xxhash.xxh3_128_hexdigest(f"{topic}/{partition}/{offset}".encode())
        for topic, partition, offset in zip(*(column.to_pylist() for column in places.columns), strict=True)
    ]
    sheet = Sheet(raw.num_rows)
    sheet.put({"event.id": given})
    sheet.put({"event.id": pa.array(hashes, TEXT)}, without)
    return sheet.column("event.id")


def _source(headers: syslog.Headers, raw: pa.RecordBatch, register: Register) -> tuple[Context, Columns]:
    """The shared system of each row, from the register: what its parser must know, and its name and owner."""
    place = pa.array(register.locate(raw.column("peer"), headers.host))
    systems = register.choices
    owner = {
        "service.name": pa.array([system and system.id for system in systems], TEXT).take(place),
        "organization.name": pa.array([system and system.owner_vi for system in systems], TEXT).take(place),
    }
    zones = [system.timezone if system else register.timezone for system in systems]
    hints = [" ".join(system.parsers) if system else "" for system in systems]
    program = pc.utf8_lower(_names(headers.program))
    return Context(program, pa.array(zones).take(place), raw.column("received"), pa.array(hints).take(place)), owner


def _names(programs: pa.Array) -> pa.Array:
    """`/usr/sbin/cron` -> `cron`, and `sshd(pam_unix)`, as old systems write it, -> `sshd`; `postfix/smtpd` stays."""
    distinct = programs.dictionary_encode()
    names = pc.replace_substring_regex(distinct.dictionary, r"^/.*/|\(pam_[a-z0-9_]+\)$", "")
    return names.take(distinct.indices)


def _header(sheet: Sheet, headers: syslog.Headers, context: Context) -> Mask:
    """Fields of the syslog header. Returns which rows have a stamp far after their receipt."""
    stamp = stamps.iso(headers.iso, context.zone)
    headers.form[(headers.form == syslog.RFC5424) & is_valid(headers.iso) & ~is_valid(stamp)] = syslog.BROKEN
    ahead = is_true(pc.greater(stamp, pc.add(context.received, pa.scalar(FAR_AHEAD))))
    if headers.bsd.null_count < len(headers.bsd):
        stamp = pc.coalesce(stamp, stamps.bsd(headers.bsd, context.received, context.zone))
        sheet.put({"event.timezone": pc.if_else(headers.bsd.is_valid(), context.zone, pa.scalar(None, TEXT))})
    priority = headers.priority.cast(pa.int64())
    facility, severity = pc.shift_right(priority, 3), pc.bit_wise_and(priority, 7)
    sheet.put(
        {
            "@timestamp": stamp,
            "message": headers.message,
            "host.name": headers.host,
            "process.name": _names(headers.program),
            "process.pid": headers.procid,
            "log.syslog.hostname": headers.host,
            "log.syslog.appname": headers.program,
            "log.syslog.procid": headers.procid,
            "log.syslog.msgid": headers.msgid,
            "log.syslog.version": headers.version,
            "log.syslog.structured_data": headers.structured_data,
            "log.syslog.priority": priority,
            "log.syslog.facility.code": facility,
            "log.syslog.facility.name": pa.array(syslog.FACILITIES).take(facility),
            "log.syslog.severity.code": severity,
            "log.syslog.severity.name": pa.array(syslog.SEVERITIES).take(severity),
        }
    )
    return ahead


def _messages(sheet: Sheet, messages: pa.Array, context: Context) -> Mask:
    """Gives each message to its parser; returns which rows one has taken."""
    messages = _unrepeated(sheet, messages)
    taken = np.zeros(len(messages), dtype=np.bool_)
    of_program = _by_program(context.program)
    for parser, rows in of_program:
        _offer(parser, rows, messages, context, sheet, taken)
    for parser in known_parsers():
        if parser.signature:
            rows = np.flatnonzero(~taken)
            begins = pc.match_substring_regex(messages.take(pa.array(rows)), f"(?s)^(?:{parser.signature})")
            _offer(parser, rows[is_true(begins)], messages, context, sheet, taken)
    for parser, rows in of_program:
        _name(sheet, parser.module, parser.dataset, rows[~taken[rows]])
    return taken


def _unrepeated(sheet: Sheet, messages: pa.Array) -> pa.Array:
    """The message inside rsyslog's `message repeated 3 times: [ ... ]`; the count is kept."""
    inner = Sheet(len(messages))
    inner.put({"message": messages})
    for _, rows, groups in claim(messages, REPEATED):
        columns = captured(groups)
        inner.put({"message": columns["inner"]}, rows)
        sheet.put({"log.syslog.repeated": columns["count"]}, rows)
    return inner.column("message")


def _by_program(program: pa.Array) -> list[tuple[Parser, Rows]]:
    """The rows of each parser's programs. Two parsers of one program are asked in the order of their names."""
    distinct = program.dictionary_encode()
    codes = distinct.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    names = {name: code for code, name in enumerate(distinct.dictionary.to_pylist())}
    found: list[tuple[Parser, Rows]] = []
    for parser in known_parsers():
        mine = [names[name] for name in parser.programs if name in names]
        if mine:
            found.append((parser, np.flatnonzero(np.isin(codes, mine))))
    return found


def _offer(parser: Parser, rows: Rows, messages: pa.Array, context: Context, sheet: Sheet, taken: Mask) -> None:
    rows = rows[~taken[rows]]
    if not len(rows):
        return
    known, columns = parser.parse(messages.take(pa.array(rows)), context.take(rows))
    rows = rows[known]
    if len(rows):
        taken[rows] = True
        _name(sheet, parser.module, parser.dataset, rows)
        sheet.put(columns, rows)


def _name(sheet: Sheet, module: str, dataset: str, rows: Rows) -> None:
    names = {"event.module": module, "event.dataset": dataset}
    sheet.put({field: pa.repeat(pa.scalar(name), len(rows)) for field, name in names.items()}, rows)


def _errors(sheet: Sheet, headers: syslog.Headers, text: pa.Array, taken: Mask) -> None:
    """Marks what is no event, and names the dataset of what only has a header."""
    reasons = np.full(len(text), None, dtype=object)
    reasons[headers.form == syslog.BROKEN] = BROKEN_HEADER
    reasons[(headers.form == syslog.BARE) & ~taken] = NO_FORM
    reasons[~is_true(pc.not_equal(pc.utf8_trim_whitespace(text), ""))] = EMPTY
    failed = np.flatnonzero(reasons.astype(np.bool_))
    _fail(sheet, failed, pa.array(reasons[failed], TEXT))
    named = is_valid(sheet.column("event.dataset"))
    named[failed] = True
    _name(sheet, "syslog", "syslog.message", np.flatnonzero(~named))


def _fail(sheet: Sheet, rows: Rows, reasons: pa.Array) -> None:
    sheet.put({"event.kind": pa.repeat(pa.scalar("pipeline_error"), len(rows)), "error.message": reasons}, rows)


def _tags(sheet: Sheet, flags: dict[str, Mask]) -> None:
    nothing = pa.scalar(None, TEXT)
    present = [pc.if_else(pa.array(rows), pa.scalar(tag), nothing) for tag, rows in flags.items() if rows.any()]
    if present:
        sheet.put({"tags": list_of(present)})


def _defect(raw: pa.RecordBatch, error: BaseException) -> pa.RecordBatch:
    """The event of the one line that a parser raised on; without a line, no event."""
    text, escaped = encoding.decode(raw.column("value"))
    sheet = _identity(raw, text)
    _tags(sheet, {"encoding_escaped": escaped})
    reason = f"a parser failed: {type(error).__name__}: {error}"
    _fail(sheet, np.arange(raw.num_rows), pa.array([reason] * raw.num_rows, TEXT))
    return sheet.batch()


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    sheet = Sheet(sum(batch.num_rows for batch in batches))
    start = 0
    for batch in batches:
        columns: Columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        sheet.put(columns, np.arange(start, start + batch.num_rows))
        start += batch.num_rows
    return sheet.batch()

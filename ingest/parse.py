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
  or it is empty: `event.kind` is `pipeline_error`, `error.message` says why, and what could be read stays; but where a
  parser knows the message behind the fault, as devices write it, it is an event with the tag `header_broken`;
- a parser raises on it, which is a defect: the parser's rows are halved until the line is found, and that line alone
  becomes a `pipeline_error`. What raises outside of parsers halves the batch in the same way.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from ingest import encoding, entities, messages, stamps, syslog, url_decoding
from ingest.columns import Mask, Rows, Sheet, is_true, is_valid, list_of
from ingest.event import TEXT, Columns
from ingest.lines import Context
from ingest.sources import Register

FAR_AHEAD = datetime.timedelta(days=1)
NO_FORM = "the line has no syslog header (a priority alone is none), and no parser knows its form"
BROKEN_HEADER = "the RFC 5424 header has a fault"
EMPTY = "the line is empty"


def parse(raw: pa.RecordBatch, register: Register) -> pa.RecordBatch:
    messages.dispatch()  # outside of the try: a parser that can't be loaded is no fault of a line
    try:
        return _parse(raw, register)
    except messages.DEFECTS as error:
        if raw.num_rows <= 1:
            return _defect(raw, error)
    half = raw.num_rows // 2
    return _joined([parse(raw.slice(0, half), register), parse(raw.slice(half), register)])


def _parse(raw: pa.RecordBatch, register: Register) -> pa.RecordBatch:
    *_, (_, sheet) = steps(raw, register)
    return sheet.batch()


def steps(raw: pa.RecordBatch, register: Register, asked: messages.Asked | None = None) -> Iterator[tuple[str, Sheet]]:
    """The names of the steps that make an event, each when it is done, with the sheet that they fill.

    `asked` is told of every parser that is shown messages.
    """
    decoded = encoding.decode(raw.column("value"))
    text = pc.utf8_ltrim(pc.utf8_rtrim(decoded.text, characters="\r\n\0"), characters="\ufeff")
    headers = syslog.read(text, messages.dispatch().programs)
    sheet = _identity(raw, decoded.original)
    yield "line", sheet
    context, owner = _source(headers, raw, register)
    _header(sheet, headers, context)
    yield "header", sheet
    known = messages.parse(sheet, headers.message, context, headers.form != syslog.BROKEN, asked)
    yield "parser", sheet
    # After the parsers: whose line it is is the register's word, not the line's.
    sheet.put(owner)
    yield "register", sheet
    ahead = is_true(pc.greater(sheet.column("@timestamp"), pc.add(raw.column("received"), pa.scalar(FAR_AHEAD))))
    broken = known & (headers.form == syslog.BROKEN)
    _errors(sheet, headers, text, known)
    _tags(sheet, {**decoded.tags, "stamp_in_future": ahead, "header_broken": broken})
    url_decoding.complete(sheet)
    entities.complete(sheet)
    yield "derived", sheet


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
    lines = raw.select(["topic", "partition", "offset"]).take(pa.array(without))
    topic, partition = (lines.column(name).cast(TEXT).fill_null("None") for name in ("topic", "partition"))
    places = pc.binary_join_element_wise(topic, partition, lines.column("offset").cast(TEXT), "/")
    hashes = [place and xxhash.xxh3_128_hexdigest(place) for place in places.cast(pa.binary()).to_pylist()]
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
    context = Context(
        program,
        pa.array(zones).take(place),
        raw.column("received"),
        pa.array(hints).take(place),
        headers.host,
        headers.msgid,
        headers.structured_data,
    )
    return context, owner


def _names(programs: pa.Array) -> pa.Array:
    """`/usr/sbin/cron` -> `cron`, and `sshd(pam_unix)`, as old systems write it, -> `sshd`; `postfix/smtpd` stays."""
    distinct = programs.dictionary_encode()
    names = pc.replace_substring_regex(distinct.dictionary, r"^/.*/|\(pam_[a-z0-9_]+\)$", "")
    return names.take(distinct.indices)


def _header(sheet: Sheet, headers: syslog.Headers, context: Context) -> None:
    """Fields of the syslog header."""
    zone = pc.coalesce(headers.zone, context.zone)
    stamp = stamps.iso(headers.iso, zone)
    headers.form[(headers.form == syslog.RFC5424) & is_valid(headers.iso) & ~is_valid(stamp)] = syslog.BROKEN
    if headers.bsd.null_count < len(headers.bsd):
        stamp = pc.coalesce(stamp, stamps.bsd(headers.bsd, context.received, zone))
        sheet.put({"event.timezone": pc.if_else(headers.bsd.is_valid(), zone, pa.scalar(None, TEXT))})
    priority = headers.priority.cast(pa.int64())
    facility, severity = pc.shift_right(priority, 3), pc.bit_wise_and(priority, 7)
    sheet.put(
        {
            "@timestamp": stamp,
            "message": headers.message,
            "host.name": headers.host,
            "process.name": _names(headers.program),
            "process.pid": headers.procid,
            "log.level": headers.level,
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


def _errors(sheet: Sheet, headers: syslog.Headers, text: pa.Array, taken: Mask) -> None:
    """Marks what is no event, and names the dataset of what only has a header."""
    reasons = np.full(len(text), None, dtype=object)
    reasons[(headers.form == syslog.BROKEN) & ~taken] = BROKEN_HEADER
    reasons[(headers.form == syslog.BARE) & ~taken] = NO_FORM
    reasons[_blank(text)] = EMPTY
    failed = np.flatnonzero(reasons.astype(np.bool_))
    messages.fail(sheet, failed, pa.array(reasons[failed], TEXT))
    named = is_valid(sheet.column("event.dataset")) | is_valid(sheet.column("error.message"))
    messages.label(sheet, "syslog", "syslog.message", np.flatnonzero(~named))


def _blank(text: pa.Array) -> Rows:
    """The rows without a visible character. Only what begins with a blank is read."""
    first = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(text, 0, 1))
    rows = np.flatnonzero(~is_true(pc.not_equal(first, "")))
    return rows[~is_true(pc.not_equal(pc.utf8_trim_whitespace(text.take(pa.array(rows))), ""))]


def _tags(sheet: Sheet, flags: dict[str, Mask]) -> None:
    nothing = pa.scalar(None, TEXT)
    present = [pc.if_else(pa.array(rows), pa.scalar(tag), nothing) for tag, rows in flags.items() if rows.any()]
    if present:
        sheet.put({"tags": list_of(present)})


def _defect(raw: pa.RecordBatch, error: BaseException) -> pa.RecordBatch:
    """The event of the one line that a parser raised on; without a line, no event."""
    decoded = encoding.decode(raw.column("value"))
    sheet = _identity(raw, decoded.original)
    _tags(sheet, decoded.tags)
    messages.fail(sheet, np.arange(raw.num_rows), pa.array([messages.failure(error)] * raw.num_rows, TEXT))
    return sheet.batch()


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    sheet = Sheet(sum(batch.num_rows for batch in batches))
    start = 0
    for batch in batches:
        columns: Columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        sheet.put(columns, np.arange(start, start + batch.num_rows))
        start += batch.num_rows
    return sheet.batch()

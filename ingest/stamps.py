"""stamps: the times that lines write -> UTC.

In:   a column of stamps as text, with the zone of each row's source and its time of receipt
Out:  a column of timestamps, null where a stamp is none
Docs: RFC 3164 §4.1.2, RFC 3339, strftime(3)

Stamps repeat (a second of a busy stream is one stamp), so each distinct one is read once.
"""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXT, TIMESTAMP

NAIVE = pa.timestamp("us")
DURATION = pa.duration("us")
DAY = datetime.timedelta(days=1)

ISO = (
    r"^(?P<day>[0-9]{4}[-/][0-9]{2}[-/][0-9]{2})[T ](?P<time>[0-9]{1,2}:[0-9]{2}:[0-9]{2})"
    r"(?:[.,](?P<fraction>[0-9]{1,9}))? ?(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})?$"
)
BSD = (
    r"^(?P<month>[A-Z][a-z]{2}) +(?P<day>[0-9]{1,2}) (?:(?P<year>[0-9]{4}) )?(?P<time>[0-9]{1,2}:[0-9]{2}:[0-9]{2})"
    r"(?:[.,](?P<fraction>[0-9]{1,9}))?(?: (?P<late_year>[0-9]{4}))?$"
)
ACCESS_LOG = (
    r"^(?P<local>(?P<day>[0-9]{2})/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}) (?P<offset>[+-][0-9]{4})$"
)
# 29 February comes back after eight years when a century is not a leap year.
YEARS_BACK = 9


def iso(stamps: pa.Array, zones: pa.Array) -> pa.Array:
    """ISO 8601 and RFC 3339, also with a blank, slashes or a comma; without an offset, local time of `zones`."""
    if stamps.null_count == len(stamps):
        return pa.nulls(len(stamps), TIMESTAMP)
    distinct = stamps.dictionary_encode()
    parts = pc.extract_regex(distinct.dictionary, ISO)
    day, offset = parts.field("day"), _blank_to_null(parts.field("offset"))
    text = pc.binary_join_element_wise(pc.replace_substring(day, "/", "-"), parts.field("time"), " ")
    local = _read(text, "%Y-%m-%d %H:%M:%S", pc.utf8_slice_codeunits(day, 8, 10))
    local = pc.add(local, _fraction(parts.field("fraction")))
    exact = pc.subtract(local, _duration(offset)).cast(TIMESTAMP).take(distinct.indices)
    if not offset.null_count:
        return exact
    unzoned = pc.if_else(offset.is_null(), local, pa.scalar(None, NAIVE)).take(distinct.indices)
    return pc.coalesce(exact, local_to_utc(unzoned, zones))


def bsd(stamps: pa.Array, received: pa.Array, zones: pa.Array) -> pa.Array:
    """RFC 3164's `Mar  5 08:15:02`, also with a fraction or a year, in local time of `zones`.

    Without a year it is the latest one that puts the stamp no more than a day after its receipt: right across New
    Year, for a clock that is a little fast, and for a file read months later.
    """
    if stamps.null_count == len(stamps):
        return pa.nulls(len(stamps), TIMESTAMP)
    distinct = stamps.dictionary_encode()
    parts = pc.extract_regex(distinct.dictionary, BSD)
    given = _blank_to_null(pc.if_else(pc.equal(parts.field("year"), ""), parts.field("late_year"), parts.field("year")))
    rest = pc.binary_join_element_wise(parts.field("month"), parts.field("day"), parts.field("time"), " ")
    fraction = _fraction(parts.field("fraction"))

    def at(year: pa.Array | str) -> pa.Array:
        local = _read(pc.binary_join_element_wise(year, rest, " "), "%Y %b %d %H:%M:%S", parts.field("day"))
        return local_to_utc(pc.add(local, fraction).take(distinct.indices), zones)

    found = at(given) if given.null_count < len(given) else pa.nulls(len(stamps), TIMESTAMP)
    open_rows = pc.and_(parts.is_valid(), given.is_null()).take(distinct.indices).fill_null(False)
    latest = pc.add(received, pa.scalar(DAY))
    for back in range(YEARS_BACK):
        if not pc.any(open_rows).as_py():
            break
        year_of_row = pc.subtract(pc.year(latest), back)
        for year in year_of_row.filter(open_rows).unique().drop_null().to_pylist():
            guess = at(str(year))
            fits = pc.and_(pc.less_equal(guess, latest), pc.equal(year_of_row, year))
            found = pc.if_else(pc.and_(fits, open_rows).fill_null(False), guess, found)
        open_rows = pc.and_(open_rows, found.is_null())
    return found


def access_log(stamps: pa.Array) -> pa.Array:
    """`05/Mar/2026:08:15:02 +0700` of the web servers' access logs."""
    distinct = stamps.dictionary_encode()
    parts = pc.extract_regex(distinct.dictionary, ACCESS_LOG)
    local = _read(parts.field("local"), "%d/%b/%Y:%H:%M:%S", parts.field("day"))
    return pc.subtract(local, _duration(_blank_to_null(parts.field("offset")))).cast(TIMESTAMP).take(distinct.indices)


def local_to_utc(local: pa.Array, zones: pa.Array) -> pa.Array:
    """Local times -> UTC, each by its row's zone; of an hour that a clock shows twice, the first."""
    found = pa.nulls(len(local), TIMESTAMP)
    distinct = zones.dictionary_encode()
    for code, zone in enumerate(distinct.dictionary.to_pylist()):
        read = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest").cast(TIMESTAMP)
        found = read if len(distinct.dictionary) == 1 else pc.if_else(pc.equal(distinct.indices, code), read, found)
    return found


def _read(text: pa.Array, layout: str, day: pa.Array) -> pa.Array:
    """strptime, without its habit of reading 30 February as 2 March."""
    read = pc.strptime(text, format=layout, unit="us", error_is_null=True)
    same = pc.equal(pc.day(read), _blank_to_null(day).cast(pa.int64()))
    return pc.if_else(same.fill_null(False), read, pa.scalar(None, NAIVE))


def _fraction(digits: pa.Array) -> pa.Array:
    """Decimals of a second, up to nine, as microseconds."""
    return pc.utf8_rpad(pc.utf8_slice_codeunits(digits, 0, 6), 6, "0").cast(pa.int64()).cast(DURATION)


def _duration(offsets: pa.Array) -> pa.Array:
    """`+07:00`, `-0330` or `Z` as a duration; a day has few of them, so each distinct one is read in Python."""
    distinct = offsets.dictionary_encode()
    lengths = [_length(offset) for offset in distinct.dictionary.to_pylist()]
    return pa.array(lengths, DURATION).take(distinct.indices)


def _length(offset: str) -> datetime.timedelta:
    if offset in ("Z", "z"):
        return datetime.timedelta(0)
    length = datetime.timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    return -length if offset[0] == "-" else length


def _blank_to_null(text: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, TEXT), text)

"""zone_names: stamps that end in the name of a zone (`CEST`, `+07`) -> UTC.

In:   a column of local times as `stamps.iso` reads them, and the name that stands behind each
Out:  a column of timestamps; of a name that is not known, local time of the source
Docs: IANA time zone database; PostgreSQL manual, appendix B.4 "Date/Time Configuration Files"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXT

# A name says a place, not an offset: servers go on writing EST in summer.
PLACES = {
    **dict.fromkeys(("UTC", "GMT", "Z", "UCT", "Zulu"), "UTC"),
    **dict.fromkeys(("ICT", "Asia/Ho_Chi_Minh", "Asia/Saigon"), "Asia/Ho_Chi_Minh"),
    **dict.fromkeys(("CET", "CEST", "MET", "MEST"), "Europe/Paris"),
    **dict.fromkeys(("WET", "WEST"), "Europe/Lisbon"),
    **dict.fromkeys(("EET", "EEST"), "Europe/Athens"),
    **dict.fromkeys(("BST",), "Europe/London"),
    **dict.fromkeys(("MSK",), "Europe/Moscow"),
    **dict.fromkeys(("EST", "EDT"), "America/New_York"),
    **dict.fromkeys(("CST", "CDT"), "America/Chicago"),
    **dict.fromkeys(("MST", "MDT"), "America/Denver"),
    **dict.fromkeys(("PST", "PDT"), "America/Los_Angeles"),
    **dict.fromkeys(("JST",), "Asia/Tokyo"),
    **dict.fromkeys(("KST",), "Asia/Seoul"),
    **dict.fromkeys(("SGT",), "Asia/Singapore"),
    **dict.fromkeys(("HKT",), "Asia/Hong_Kong"),
    **dict.fromkeys(("IST",), "Asia/Kolkata"),
    **dict.fromkeys(("AEST", "AEDT"), "Australia/Sydney"),
}
NAMES = pa.array(PLACES.keys(), TEXT)
ZONES = pa.array(PLACES.values(), TEXT)


def utc(local: pa.Array, names: pa.Array, zones: pa.Array) -> pa.Array:
    offset = pc.if_else(pc.match_substring_regex(names, r"^[+-][0-9]{2}(?::?[0-9]{2})?$"), names, pa.scalar(None, TEXT))
    whole = pc.if_else(pc.equal(pc.utf8_length(offset), 3), pc.binary_join_element_wise(offset, ":00", ""), offset)
    text = pc.coalesce(pc.binary_join_element_wise(local, whole, " "), local)
    return stamps.iso(text, pc.coalesce(ZONES.take(pc.index_in(names, NAMES)), zones))

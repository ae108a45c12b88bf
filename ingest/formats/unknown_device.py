"""unknown_device: what can be said of a device's event by the words that all devices use.

In:   columns of ECS fields
Out:  outcome, category and type
Docs: ECS categorization fields
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.event import TEXT, Columns
from ingest.formats.labels import all_of, mapped, when

REFUSED = (
    r"(?i)^(?:den(?:y|ied)|drop(?:ped)?|block(?:ed)?|reject(?:ed)?|discard(?:ed)?|fail(?:ed|ure)?|reset.*|"
    r"prevent(?:ed)?|quarantined?|.*login[ _-]?fail.*|logon[ _-]?failed)$"
)
ALLOWED = (
    r"(?i)^(?:allow(?:ed)?|accept(?:ed)?|permit(?:ted)?|pass(?:ed|through)?|forward(?:ed)?|success(?:ful)?|"
    r"detect(?:ed)?|alert|monitor(?:ed)?|log(?:ged)?[ _-]?(?:in|out|on|off)?|close|start|end)$"
)
LOGIN = r"(?i)(?:log(?:in|on|ged)|auth)"
# Products whose own format another parser reads: their events are of one dataset, however they were sent.
DATASETS = {
    "check point": "checkpoint.firewall",
    "fortinet": "fortinet.firewall",
    "palo alto networks": "panw.panos",
    "juniper": "juniper.srx",
    "sophos": "sophos.xg",
    "sonicwall": "sonicwall.firewall",
}


def dataset(vendor: pa.Array) -> Columns:
    """`event.dataset` and `event.module` of products that are known."""
    names = mapped(pc.utf8_lower(vendor), DATASETS)
    return {"event.dataset": names, "event.module": pc.replace_substring_regex(names, r"\..*", "")}


def outcome(action: pa.Array) -> pa.Array:
    """Whether what was asked for went through, by the device's own word for what it did."""
    return pc.coalesce(
        when(pc.match_substring_regex(action, REFUSED), "failure"),
        when(pc.match_substring_regex(action, ALLOWED), "success"),
    )


def categories(columns: Columns) -> Columns:
    rows = len(next(iter(columns.values())))
    nothing = pa.nulls(rows, TEXT)
    action = columns.get("event.action", nothing)
    source, destination = columns.get("source.ip", nothing), columns.get("destination.ip", nothing)
    both = pc.and_(source.is_valid(), destination.is_valid())
    url = columns.get("url.original", nothing).is_valid()
    login = pc.match_substring_regex(action, LOGIN)
    denied = pc.and_(pc.match_substring_regex(action, REFUSED), both)
    allowed = pc.and_(pc.match_substring_regex(action, ALLOWED), both)
    return {
        "event.category": all_of({"network": both, "web": url, "authentication": login}),
        "event.type": all_of({"connection": both, "denied": denied, "allowed": allowed, "info": pc.invert(both)}),
    }

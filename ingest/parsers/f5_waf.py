r"""f5_waf: requests that BIG-IP ASM (Advanced WAF) and NGINX App Protect have judged -> http, url and rule fields.

In:   `unit_hostname="...",...,ip_client="198.51.100.7",...,request="..."`, with `ASM:` in front or not
Out:  `source.*`, `destination.*`, `http.*`, `url.*`, `user.name`, `rule.*`, `event.outcome`; the rest as `f5.asm.*`
Docs: F5 BIG-IP ASM, "Fields in Splunk remote logging"; NGINX App Protect WAF, "Security Log"
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.columns import is_valid
from ingest.event import TEXT, TEXTS, Columns
from ingest.formats import key_value, web_requests
from ingest.lines import Context, Parsed, Parser

NAMES = {
    "source.address": ("ip_client",),
    "source.port": ("src_port",),
    "source.geo.country_iso_code": ("geo_location",),
    "destination.address": ("dest_ip",),
    "destination.port": ("dest_port",),
    "http.request.method": ("method",),
    "http.response.status_code": ("response_code",),
    "url.original": ("uri",),
    "url.query": ("query_string",),
    "user.name": ("username",),
    "rule.id": ("sig_ids", "support_id"),
    "rule.name": ("sig_names", "violations"),
    "rule.category": ("attack_type",),
    "rule.ruleset": ("policy_name",),
    "observer.name": ("unit_hostname",),
    "observer.ip": ("management_ip_address", "unit_ip"),
    "log.level": ("severity",),
    "event.reason": ("outcome_reason", "violations"),
    "_stamp": ("date_time",),
    "_status": ("request_status",),
    "_forwarded": ("x_forwarded_for_header_value",),
}
NOTHING = pa.array(["N/A", "n/a", "-"])
DENIED = pa.array(["blocked", "rejected"])


def read(messages: pa.Array, context: Context) -> Parsed:
    pairs = key_value.split(pc.replace_substring_regex(messages, "^ASM: ?", ""), separators=b",")
    known = np.flatnonzero(is_valid(pairs.column("request_status")) & is_valid(pairs.column("ip_client")))
    pairs = pairs.take(known)
    nothing = pa.scalar(None, TEXT)
    columns = {
        name: pc.if_else(pc.is_in(column, NOTHING), nothing, column) for name, column in pairs.columns(NAMES).items()
    }
    return known, columns | {"vendor": pairs.others("f5.asm.", {key for keys in NAMES.values() for key in keys})}


def finish(columns: Columns, context: Context) -> Columns:
    rows = len(columns["_status"])
    denied = pc.is_in(columns["_status"], DENIED)
    web = web_requests.complete(columns)
    return {
        **web,
        "@timestamp": stamps.iso(columns["_stamp"], context.zone),
        "url.query": pc.coalesce(columns["url.query"], web["url.query"]),
        "network.forwarded_ip": columns["_forwarded"],
        "event.action": pc.binary_join_element_wise("waf", columns["_status"], "-"),
        "event.category": pa.array([["web", "intrusion_detection"]] * rows, TEXTS),
        "event.type": pa.array([["allowed"], ["denied"]], TEXTS).take(denied.cast(pa.int8())),
        "event.outcome": pc.if_else(denied, "failure", "success"),
        "observer.vendor": pa.repeat(pa.scalar("F5"), rows),
        "observer.product": pa.repeat(pa.scalar("ASM"), rows),
        "observer.type": pa.repeat(pa.scalar("waf"), rows),
    }


PARSER = Parser(
    module="f5",
    dataset="f5.asm",
    programs=("asm",),
    signature=r'(?:ASM: ?)?[a-z_]+="(?:[^"\\]|\\.)*",.*request_status="',
    read=read,
    finish=finish,
)

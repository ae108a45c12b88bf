r"""modsecurity_messages: what ModSecurity writes into the error log of its server -> rule fields.

In:   `ModSecurity: Access denied with code 403 (phase 2). Pattern match "..." at ARGS:a. [file "..."] [line "87"]
      [id "942100"] [msg "..."] ... [hostname "..."] [uri "/a"] [unique_id "..."]`, of version 2 and 3
Out:  `rule.*`, `url.*`, `http.response.status_code`, `event.type`, `event.reason`; `modsecurity.*`
Docs: ModSecurity reference manual, "ModSecurity 2 Data Formats": Alert Action Description, Alert Metadata
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import typed
from ingest.event import TEXT, TEXTS, Columns
from ingest.formats import inner
from ingest.lines import Context, Line, Parser

# Quotes of a request stand escaped inside a tag, so what looks like a tag there is none.
TEXT_OF_TAG = r'(?:[^"\\]|\\.)*'


def tag(name: str, field: str) -> str:
    return rf'(?: ?\[{name} "(?P<{field}>{TEXT_OF_TAG})"\])?'


ALERT = (
    r"ModSecurity: (?P<event__reason>(?P<modsecurity__action>Warning|Access denied|Access allowed)"
    r"(?: with (?:code (?P<http__response__status_code>[0-9]{3})|[a-z ]+))?"
    r"(?: \(phase (?P<modsecurity__phase>[1-5])\))?\..*?)"
    rf' ?\[file "(?P<modsecurity__file>{TEXT_OF_TAG})"\] \[line "(?P<modsecurity__line>[0-9]*)"\]'
    + tag("id", "rule__id") + tag("rev", "rule__version") + tag("msg", "rule__name") + tag("data", "modsecurity__data")
    + tag("severity", "modsecurity__severity") + tag("ver", "rule__ruleset")
    + r'(?: ?\[(?:maturity|accuracy|tag) "' + TEXT_OF_TAG + r'"\])*'
    + tag("hostname", "url__domain") + tag("uri", "url__path") + tag("unique_id", "modsecurity__unique_id") + r".*"
)  # fmt: skip

MESSAGES = Parser(
    module="modsecurity",
    dataset="modsecurity.alert",
    lines=(Line(ALERT, action="waf-alert"), Line(r"\[client [^ \]]+\] " + ALERT, action="waf-alert")),
)


# What the server's own line says of the request goes before what the alert repeats.
OF_SERVER = ("url.domain", "url.path")


def over(columns: Columns, messages: pa.Array, context: Context) -> Columns:
    """The columns of the server's lines, and where a message is ModSecurity's its fields over them."""
    found = _alerts(messages, context)
    return columns | {
        name: values if name not in columns else _first(name, values, columns[name]) for name, values in found.items()
    }


def _first(name: str, of_alert: pa.Array, of_server: pa.Array) -> pa.Array:
    of_server = typed(of_server, of_alert.type)
    return pc.coalesce(of_server, of_alert) if name in OF_SERVER else pc.coalesce(of_alert, of_server)


def _alerts(messages: pa.Array, context: Context) -> Columns:
    found = inner.columns_of(messages, MESSAGES, context)
    if not found:
        return {}
    alert = found["event.action"].is_valid()
    denied = pc.starts_with(found["event.reason"], "Access denied").fill_null(False)
    nothing, nothings = pa.scalar(None, TEXT), pa.scalar(None, TEXTS)
    kinds = pa.array([["allowed"], ["denied"]], TEXTS).take(denied.cast(pa.int8()))
    return found | {
        "event.module": pc.if_else(alert, "modsecurity", nothing),
        "event.dataset": pc.if_else(alert, "modsecurity.alert", nothing),
        "event.category": pc.if_else(alert, pa.scalar(["web", "intrusion_detection"], TEXTS), nothings),
        "event.type": pc.if_else(alert, kinds, nothings),
        "event.outcome": pc.if_else(alert, pc.if_else(denied, "failure", "success"), nothing),
    }

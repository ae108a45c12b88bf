"""specs: what is wrong with a Vega specification before it is drawn.

In:   the specification as JSON text, the index patterns by their titles with their fields
Out:  one sentence for each fault
Docs: OpenSearch Dashboards 3.x plugin vis_type_vega: vega_parser, opensearch_query_parser, vega_base_view,
      vega_validation; Vega 5 and 6, whose expressions it interprets
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from dashboards import vega

Patterns = Mapping[str, Mapping[str, Mapping[str, Any]]]

CALL = "opensearchDashboardsAddFilter"
EXPRESSIONS = ("expr", "update", "test", "signal", "init")
# Dashboards refuses them, since they lead out of the chart into the page.
FORBIDDEN = re.compile(
    r"\b(?:ownerDocument|defaultView|contentDocument|contentWindow|view|innerHTML|outerHTML|constructor|prototype|"
    r"__proto__|window|document|global|globalThis|top|parent|frames|self|eval|Function|setTimeout|setInterval)\b"
)
# A member named by more than a number, a text or a variable.
COMPUTED = re.compile(r"[\w)\]]\[(?![\w$]+\]|'[^']*'\])")


def faults(text: str, patterns: Patterns) -> Iterator[str]:
    try:
        spec = json.loads(text)
    except ValueError as error:
        yield f"has a specification that is not JSON: {error}"
        return
    if not re.fullmatch(r"https://vega\.github\.io/schema/vega/v5\.json", spec.get("$schema", "")):
        yield "does not name Vega 5 in $schema: an earlier Dashboards warns of a later one, without any it fails"
    if spec.get("config", {}).get("kibana", {}).get("hideWarnings") is not True:
        yield "does not hide warnings: of an empty answer there are some, and they cover the chart"
    names = Counter(data["name"] for data in spec["data"])
    yield from (f"has two data sets {name}: one would get the other's answer" for name, n in names.items() if n > 1)
    for data in vega.asking(spec):
        yield from _search(data, patterns)
    for expression in sorted(set(_expressions(spec))):
        yield from _expression(expression, patterns)
    yield from _clicks(spec)


def _search(data: Mapping[str, Any], patterns: Patterns) -> Iterator[str]:
    url, name = data["url"], data["name"]
    if not isinstance(url, Mapping):
        yield f"reads {url} for {name}: Dashboards loads nothing from outside"
        return
    if data.keys() & {"values", "source"}:
        yield f"has values or a source for {name} beside its search"
    known = patterns.get(url.get("index", ""))
    if known is None:
        yield f"asks {url.get('index')} for {name}, which is no index pattern's title"
        return
    if url.get("%context%") is not True:
        yield f'asks for {name} without the board\'s filters: write "%context%": true'
    time = url.get("%timefield%", "")
    if known.get(time, {}).get("type") != "date":
        yield f"asks for {name} by the time field {time!r}, which is no date"
    if "query" in url["body"]:
        yield f"has a query for {name}, which is refused beside a context"
    for field in _aggregated(url["body"]):
        if not known.get(field, {}).get("aggregatable"):
            yield f"aggregates the field {field} for {name}, which cannot be aggregated"


def _aggregated(body: Any) -> Iterator[str]:
    """The field of every aggregation."""
    if isinstance(body, Mapping):
        if isinstance(body.get("field"), str):
            yield body["field"]
        for value in body.values():
            yield from _aggregated(value)
    elif isinstance(body, list):
        for value in body:
            yield from _aggregated(value)


def _expressions(part: Any, key: str = "") -> Iterator[str]:
    if isinstance(part, Mapping):
        for name, value in part.items():
            yield from _expressions(value, name)
    elif isinstance(part, list):
        for value in part:
            yield from _expressions(value, key)
    elif key in EXPRESSIONS and isinstance(part, str):
        yield part


def _expression(expression: str, patterns: Patterns) -> Iterator[str]:
    # What stands in quotes is text; of it only a member's name in brackets counts.
    bare = re.sub(r"(?<!\[)'[^']*'|\"[^\"]*\"", "''", expression)
    for word in sorted(set(FORBIDDEN.findall(bare))):
        yield f"uses {word} in an expression, which Dashboards forbids"
    if COMPUTED.search(bare):
        yield f"names a member by an expression, which Dashboards forbids: {expression}"
    if CALL in expression:
        index = re.search(r"\}, '([^']*)', ", expression)
        if not index or index[1] not in patterns:
            yield f"filters by an index that is no index pattern's title: {expression}"
            return
        for field in re.findall(r'"term": \{"([\w.]+)"', expression):
            if not patterns[index[1]].get(field, {}).get("searchable"):
                yield f"filters by the field {field}, which cannot be searched"


def _clicks(spec: Mapping[str, Any]) -> Iterator[str]:
    marks = {mark.get("name") for mark in spec["marks"]}
    for signal in spec.get("signals", []):
        if "init" in signal:
            yield f"computes the signal {signal['name']} once, before the chart has its size: write update"
        for on in signal.get("on", []):
            mark = re.fullmatch(r"@(\w+):click", on["events"])
            if not mark or mark[1] not in marks:
                yield f"waits for {on['events']}, which no mark sends"

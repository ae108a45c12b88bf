"""faults: what Dashboards would import without a word and then show as a red or an empty panel.

In:   the saved objects of one board, as in `*.ndjson`
Out:  one sentence for each fault, with the object that has it
Docs: OpenSearch Dashboards 3.x: core/server/saved_objects (import, migrations), plugins data (index patterns, field
      formats), discover (search embeddable), dashboard (panels)

Every rule here is one that its code relies on: `docs/guide/dashboards.md` says which.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from typing import Any

from dashboards.faults import charts, specs
from dashboards.mapping import TEMPLATES, template

Object = Mapping[str, Any]

# The last migration of each type: an object of a later version is refused, one of an earlier is rewritten.
LAST_MIGRATIONS = {"index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0", "dashboard": "7.9.3"}
FORMATS = {"url", "static_lookup", "number", "percent", "bytes"}
NEEDED_OF_FIELD = ("name", "type", "searchable", "aggregatable", "readFromDocValues")
COLUMNS = 48
"""Of a board's grid."""


@dataclass(frozen=True)
class Fault:
    id: str
    """Of the saved object."""
    what: str


def faults(objects: Sequence[Object]) -> list[Fault]:
    """Every fault of the board's objects, in their order."""
    fields = {
        saved["id"]: {field["name"]: field for field in _held(saved, "fields")}
        for saved in objects
        if saved["type"] == "index-pattern"
    }
    titles = {saved["attributes"]["title"]: saved["id"] for saved in objects if saved["type"] == "index-pattern"}
    found = []
    seen: dict[tuple[str, str], Object] = {}
    for saved in objects:
        found += [Fault(saved["id"], what) for what in (*_identity(saved, seen), *_references(saved, seen))]
        seen[saved["type"], saved["id"]] = saved
        known = fields[saved["id"]] if saved["type"] == "index-pattern" else _fields_of(saved, fields)
        found += [Fault(saved["id"], what) for what in _own(saved, known, titles, fields, seen)]
    return found


def _own(
    saved: Object,
    known: Mapping[str, Any],
    titles: Mapping[str, str],
    fields: Mapping[str, Mapping[str, Any]],
    seen: Mapping[tuple[str, str], Object],
) -> Iterator[str]:
    """What is wrong with an object by the rules of its type."""
    if saved["type"] == "index-pattern":
        yield from _index_pattern(saved, known)
    elif saved["type"] == "dashboard":
        yield from _panels(saved, seen)
    else:
        yield from _query(_held(saved, "searchSourceJSON"), known)
    if saved["type"] == "search":
        yield from _columns(saved["attributes"], known)
    elif saved["type"] == "visualization":
        state = _held(saved, "visState")
        yield from charts.faults(state, known, indexed="indexRefName" in _held(saved, "searchSourceJSON"))
        if state["type"] == "vega":
            yield from specs.faults(state["params"]["spec"], {title: fields[name] for title, name in titles.items()})


def _held(saved: Object, name: str) -> Any:
    """An attribute that is JSON in a string."""
    attributes = saved["attributes"]
    return json.loads(attributes["kibanaSavedObjectMeta"][name] if name == "searchSourceJSON" else attributes[name])


def _fields_of(saved: Object, fields: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The fields of the index pattern that it refers to; without one, nothing is known."""
    found = [one["id"] for one in saved["references"] if one["type"] == "index-pattern"]
    return fields.get(found[0], {}) if found else {}


def _identity(saved: Object, seen: Mapping[tuple[str, str], Object]) -> Iterator[str]:
    if (saved["type"], saved["id"]) in seen:
        yield "is there twice: the second takes the place of the first"
    version = saved["migrationVersion"].get(saved["type"])
    if version != LAST_MIGRATIONS[saved["type"]]:
        yield f"has the form of version {version}: write {LAST_MIGRATIONS[saved['type']]}, the last that exists"


def _references(saved: Object, seen: Mapping[tuple[str, str], Object]) -> Iterator[str]:
    """A name in the attributes that no reference has is an exception in the browser."""
    named = set(re.findall(r'[Rr]efName\\*": *\\*"([\w.\[\]-]+)', json.dumps(saved["attributes"])))
    given = Counter(reference["name"] for reference in saved["references"])
    yield from (f"names the reference {name}, which it does not have" for name in sorted(named - given.keys()))
    yield from (f"has a reference {name} that nothing names" for name in sorted(given.keys() - named))
    yield from (f"has the reference {name} twice" for name, count in sorted(given.items()) if count > 1)
    for reference in saved["references"]:
        if (reference["type"], reference["id"]) not in seen:
            yield f"points to the {reference['type']} {reference['id']}, which is not there before it"


def _index_pattern(saved: Object, known: Mapping[str, Any]) -> Iterator[str]:
    attributes = saved["attributes"]
    if not any(fnmatch(index, attributes["title"]) for index in _indices()):
        yield f"has the title {attributes['title']!r}, which fits no index that a template makes"
    time = known.get(attributes["timeFieldName"], {})
    if time.get("type") != "date":
        yield f"has the time field {attributes['timeFieldName']}, which is no date"
    for name, field in known.items():
        missing = [key for key in NEEDED_OF_FIELD if key not in field]
        if missing:
            yield f"does not say of the field {name}: {', '.join(missing)}"
    for name, rule in _held(saved, "fieldFormatMap").items():
        if name not in known:
            yield f"formats the field {name}, which it does not list"
        if rule["id"] not in FORMATS:
            yield f"formats the field {name} as {rule['id']}, which is no format that boards use"


@cache
def _indices() -> list[str]:
    """The names of indices, as the templates have them."""
    return [name for path in TEMPLATES.glob("*.json") for name in template(path.stem)["index_patterns"]]


def _query(source: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    query = source["query"]
    if query["language"] != "lucene":
        yield f"asks in {query['language']}: OpenSearch itself must be able to run it, so write lucene"
    yield from charts.query_faults(query["query"], known)


def _columns(attributes: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    for name in attributes["columns"]:
        if name not in known:
            yield f"shows the field {name}, which is not mapped"
    for pair in attributes["sort"]:
        if not (isinstance(pair, list) and len(pair) == 2 and pair[1] in ("asc", "desc")):
            yield f"sorts by {pair}: write [FIELD, asc] or [FIELD, desc]"
        elif not known.get(pair[0], {}).get("aggregatable"):
            yield f"sorts by {pair[0]}, which cannot be sorted by"


def _panels(saved: Object, seen: Mapping[tuple[str, str], Object]) -> Iterator[str]:
    """Each panel has a place of its own and a reference; a list says its order itself, since the embeddable of a saved
    search does not read that of the search."""
    targets = {reference["name"]: seen.get((reference["type"], reference["id"])) for reference in saved["references"]}
    panels = _held(saved, "panelsJSON")
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        number, place = panel["panelIndex"], panel["gridData"]
        if panel["version"].startswith("6."):
            yield f"has the panel {number} of version {panel['version']}, whose place Dashboards would scale"
        if place["i"] != number:
            yield f"has the panel {number} at the place of {place['i']}"
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        if not cells or place["x"] + place["w"] > COLUMNS:
            yield f"has the panel {number} outside the {COLUMNS} columns"
        if taken & cells:
            yield f"has the panel {number} over another"
        taken |= cells
        target = targets.get(panel.get("panelRefName"))
        if "panelRefName" not in panel:
            yield f"has the panel {number}, which points nowhere"
        elif target and target["type"] == "search":
            shown = {name: target["attributes"][name] for name in ("columns", "sort")}
            if panel["embeddableConfig"] != shown:
                yield f"has the panel {number} without the columns and order of {target['id']}: newest would be first"
    if len({panel["panelIndex"] for panel in panels}) != len(panels):
        yield "has two panels of one number"

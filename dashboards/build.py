"""build: readable board sources -> the saved objects that Dashboards imports.

In:   `objects/BOARD.yml`, `objects/index-patterns.yml` and `objects/vega/*.json`
Out:  `BOARD.ndjson`, one saved object a line; the same bytes for the same sources
Docs: OpenSearch Dashboards 3.x saved objects: index-pattern, search, visualization, dashboard

A name that nothing defines is an error here, and so is all that `faults` finds: the import API would take it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dashboards import mapping, visualization
from dashboards.faults import LAST_MIGRATIONS, faults
from hamrong.errors import InvalidFileError, Problem

FOLDER = Path(__file__).parent
OBJECTS = FOLDER / "objects"
INDEX_PATTERNS = OBJECTS / "index-patterns.yml"
SETTINGS = OBJECTS / "settings.yml"

META_FIELDS = {"_id": "string", "_index": "string", "_score": "number", "_source": "_source", "_type": "string"}
INDEX_REFERENCE = "kibanaSavedObjectMeta.searchSourceJSON.index"

Object = dict[str, Any]


def boards() -> list[Path]:
    """The sources of every board, in order of name."""
    return sorted(set(OBJECTS.glob("*.yml")) - {INDEX_PATTERNS, SETTINGS})


def read(source: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(source.read_text(encoding="utf-8"))
    return content


def index_patterns() -> dict[str, Any]:
    """Every index pattern by its id."""
    return read(INDEX_PATTERNS)


def built_file(source: Path) -> Path:
    return FOLDER / f"{source.stem}.ndjson"


def build(source: Path) -> str:
    """The board's saved objects, those before that others point to. Raises InvalidFileError."""
    text = source.read_text(encoding="utf-8")
    try:
        objects = _objects(source.stem, yaml.safe_load(text))
    except KeyError as error:
        name = str(error.args[0])
        what = f"{name!r} is missing here or known nowhere"
        hint = "check the spelling of names and keys"
        raise InvalidFileError([Problem(str(source), _line(text, name), what, hint)]) from error
    if found := faults(objects):
        keys = [(fault.id.removeprefix(f"{source.stem}-"), fault.what) for fault in found]
        raise InvalidFileError([Problem(str(source), _line(text, f"{key}:"), f"{key} {what}") for key, what in keys])
    return "".join(f"{_json(content)}\n" for content in objects)


def _line(text: str, words: str) -> int:
    """The first line that has the words, else the first of all."""
    return next((number for number, line in enumerate(text.splitlines(), start=1) if words in line), 1)


def _objects(name: str, board: Mapping[str, Any]) -> list[Object]:
    pattern_id = board["index_pattern"]
    links = " · ".join(f"[{title}](#/view/{other})" for other, title in _titles().items())
    pattern = index_patterns()[pattern_id]
    queries = {"": "", **board["queries"]}
    index = {"id": pattern_id, "name": INDEX_REFERENCE, "type": "index-pattern"}
    searches = {
        key: _object("search", f"{name}-{key}", _search(search, queries[search["query"]]), [index])
        for key, search in board["searches"].items()
    }
    charts = {
        key: _visualization(f"{name}-{key}", chart, queries, index, pattern["formats"], links)
        for key, chart in board["visualizations"].items()
    }
    shown = {**searches, **charts}
    panels = [(shown[key], place) for key, place in board["panels"].items()]
    return [
        _object("index-pattern", pattern_id, _index_pattern(pattern), []),
        *searches.values(),
        *charts.values(),
        _object("dashboard", name, _dashboard(board, panels), _panel_references(panels)),
    ]


def _titles() -> dict[str, str]:
    """The title of each board by its id: every board names all of them."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in boards()}
    # The line alone: to read every board whole for each would be most of the time of building.
    return {name: re.search("^title: (.+)$", text, re.MULTILINE)[1] for name, text in texts.items()}  # type: ignore[index]


def _visualization(
    identity: str,
    chart: Mapping[str, Any],
    queries: Mapping[str, str],
    index: Object,
    formats: Mapping[str, Any],
    links: str,
) -> Object:
    query = queries[chart.get("query", "")]
    state, references = visualization.state(chart, index["id"], queries, links)
    counts = bool(state["aggs"])
    attributes = {
        "title": chart["title"],
        "description": "",
        "version": 1,
        "visState": _json(state),
        "uiStateJSON": _json(visualization.ui_state(chart, formats)),
        "kibanaSavedObjectMeta": {"searchSourceJSON": _json(_search_source(query, index=counts))},
    }
    return _object("visualization", identity, attributes, [index] * counts + references)


def _object(kind: str, identity: str, attributes: Object, references: list[Object]) -> Object:
    return {
        "type": kind,
        "id": identity,
        "migrationVersion": {kind: LAST_MIGRATIONS[kind]},
        "attributes": attributes,
        "references": references,
    }


def _index_pattern(pattern: Mapping[str, Any]) -> Object:
    """With its list of fields, so that it works for those who may not save and before the first alert."""
    known = mapping.fields(mapping.template(pattern["template"]))
    meta = [_field(mapping.Field(name, name, False, False), kind) for name, kind in META_FIELDS.items()]
    return {
        "title": pattern["title"],
        "timeFieldName": pattern["time_field"],
        "fields": _json([*meta, *(_field(field, field.kind) for field in known.values())]),
        "fieldFormatMap": _json({known[name].name: _format(rule) for name, rule in pattern["formats"].items()}),
    }


def _field(field: mapping.Field, kind: str) -> Object:
    sub_type = {
        **({"multi": {"parent": field.parent}} if field.parent else {}),
        **({"nested": {"path": field.nested}} if field.nested else {}),
    }
    return {
        "name": field.name,
        "type": kind,
        "esTypes": [field.type],
        "count": 0,
        "scripted": False,
        "searchable": field.indexed,
        "aggregatable": field.stored_in_columns,
        "readFromDocValues": field.stored_in_columns,
        **({"subType": sub_type} if sub_type else {}),
    }


def _format(rule: Mapping[str, Any]) -> Object:
    if "link" in rule:
        return {"id": "url", "params": {"type": "a", "urlTemplate": rule["link"], "labelTemplate": rule["label"]}}
    if "pattern" in rule:
        return {"id": rule["as"], "params": {"pattern": rule["pattern"]}}
    entries = [{"key": key, "value": name} for key, name in rule["names"].items()]
    return {"id": "static_lookup", "params": {"lookupEntries": entries, "unknownKeyValue": None}}


def _search(search: Mapping[str, Any], query: str) -> Object:
    return {
        "title": search["title"],
        "description": "",
        "hits": 0,
        "version": 1,
        "columns": search["columns"],
        "sort": search["sort"],
        "kibanaSavedObjectMeta": {"searchSourceJSON": _json({**_search_source(query), "version": True})},
    }


def _search_source(query: str, index: bool = True) -> Object:
    return {
        "query": {"query": query, "language": "lucene"},
        "filter": [],
        **({"indexRefName": INDEX_REFERENCE} if index else {}),
    }


def _dashboard(board: Mapping[str, Any], panels: list[tuple[Object, list[int]]]) -> Object:
    return {
        "title": board["title"],
        "description": board["description"],
        "hits": 0,
        "version": 1,
        "timeRestore": True,
        "timeFrom": board["time"]["from"],
        "timeTo": board["time"]["to"],
        "refreshInterval": {"pause": False, "value": board["refresh_seconds"] * 1000},
        "optionsJSON": _json({"hidePanelTitles": False, "useMargins": True}),
        "panelsJSON": _json([_panel(number, *panel) for number, panel in enumerate(panels)]),
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": _json({"query": {"query": "", "language": "kuery"}, "filter": []}),
        },
    }


def _panel(number: int, shown: Object, place: list[int]) -> Object:
    """A list's columns and order stand here too: on a board, Dashboards does not look for them in the saved search."""
    x, y, width, height = place
    listed = {name: shown["attributes"][name] for name in ("columns", "sort") if shown["type"] == "search"}
    return {
        "version": "3.0.0",
        "panelIndex": str(number),
        "gridData": {"i": str(number), "x": x, "y": y, "w": width, "h": height},
        "embeddableConfig": listed,
        "panelRefName": f"panel_{number}",
    }


def _panel_references(panels: list[tuple[Object, list[int]]]) -> list[Object]:
    return [
        {"name": f"panel_{number}", "type": shown["type"], "id": shown["id"]}
        for number, (shown, _) in enumerate(panels)
    ]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

"""mapping: the fields that an index template promises.

In:   `templates/NAME.json`
Out:  dotted field -> what a chart may do with it
Docs: OpenSearch field types; OpenSearch Dashboards, index pattern fields
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"

# What Dashboards calls the types; a type that stands nowhere here is no field for a chart.
KINDS = {
    **dict.fromkeys(("keyword", "text"), "string"),
    **dict.fromkeys(("byte", "short", "integer", "long", "float", "double"), "number"),
    **{name: name for name in ("date", "ip", "boolean")},
}


@dataclass(frozen=True)
class Field:
    """A leaf of the mapping."""

    name: str
    type: str
    indexed: bool = True
    stored_in_columns: bool = True
    """Whether it has doc values, so that it can be aggregated and sorted by."""
    parent: str = ""
    """The field whose values this one holds in another form (`reason.keyword` of `reason`)."""
    nested: str = ""
    """The nested object that it lies in."""

    @property
    def kind(self) -> str:
        return KINDS[self.type]


def template(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((TEMPLATES / f"{name}.json").read_text(encoding="utf-8"))
    return content


def fields(content: Mapping[str, Any]) -> dict[str, Field]:
    """Every field of a template by its dotted name, in order of name."""
    properties = content["template"]["mappings"]["properties"]
    found = {field.name: field for field in _walk(properties, "", "")}
    # OpenSearch itself reports an alias as a field of its target's type.
    for name, value in properties.items():
        if value.get("type") == "alias":
            found[name] = replace(found[value["path"]], name=name)
    return dict(sorted(found.items()))


def _walk(properties: Mapping[str, Any], prefix: str, nested: str) -> Iterator[Field]:
    for key, value in properties.items():
        name = prefix + key
        if "properties" in value:
            inside = name if value.get("type") == "nested" else nested
            yield from _walk(value["properties"], f"{name}.", inside)
        elif value["type"] in KINDS:
            yield _leaf(name, value, nested=nested)
            for sub, inner in value.get("fields", {}).items():
                yield _leaf(f"{name}.{sub}", inner, parent=name, nested=nested)


def _leaf(name: str, value: Mapping[str, Any], parent: str = "", nested: str = "") -> Field:
    columns = value["type"] != "text" and value.get("doc_values", True)
    return Field(name, value["type"], value.get("index", True), columns, parent, nested)

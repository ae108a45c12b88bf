"""native_json: a product's own JSON keys -> ECS names.

In:   a document with dotted keys, as `json_lines` reads it
Out:  the same values under the ECS names of a table, and the rest under the product's prefix
Docs: ECS, "custom fields"
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.formats.json_lines import Document

EMPTY: tuple[object, ...] = ("", "-", [], None)


def renamed(document: Document, names: Mapping[str, str], prefix: str) -> Document:
    """Values that say nothing (`""`, `-`, `[]`) are left out; of two keys for one name the first counts."""
    found: Document = {}
    for key, value in document.items():
        if value not in EMPTY:
            found.setdefault(names.get(key) or f"{prefix}.{key}", value)
    return found

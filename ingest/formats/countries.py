"""countries: what devices call a country -> its two letters.

In:   a column of names or codes: `Viet Nam`, `VN`, `Reserved`
Out:  codes in capitals; null for what is no country
Docs: ISO 3166-1; FortiOS `srccountry`, PAN-OS source location; ECS geo.country_iso_code

`countries.json` holds the English names of each code in small letters.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ingest.formats.labels import mapped

TABLE = Path(__file__).parent / "countries.json"


def codes(column: pa.Array) -> pa.Array:
    return mapped(pc.utf8_lower(column), _known())


@cache
def _known() -> dict[str, str]:
    """The code of each name, and of itself."""
    names: dict[str, list[str]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return {name: code for code, called in names.items() for name in (code.lower(), *called)}

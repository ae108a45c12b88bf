"""vega: the charts that no stock type can draw, as Vega specifications.

In:   `objects/vega/NAME.json`
Out:  what Dashboards keeps of it, and the data in it that ask OpenSearch
Docs: Vega 5; OpenSearch Dashboards plugin vis_type_vega: `%context%`, `%timefield%`, `opensearchDashboardsAddFilter`
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "objects" / "vega"


def written(name: str) -> str:
    """The specification as one line. Raises KeyError when there is no such file, or it is not JSON."""
    try:
        spec = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KeyError(name) from error
    return json.dumps(spec, ensure_ascii=False, separators=(",", ":"))


def asking(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The data sets whose `url` is a search."""
    for data in spec["data"]:
        if "url" in data:
            yield data

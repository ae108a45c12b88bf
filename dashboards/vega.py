"""vega: the charts that no stock type can draw, as Vega specifications.

In:   `objects/vega/NAME.json`, and `objects/vega/data/NAME.json` where a data set's `values` name it
Out:  what Dashboards keeps of it, and the data in it that ask OpenSearch
Docs: Vega 5; OpenSearch Dashboards plugin vis_type_vega: `%context%`, `%timefield%`, `opensearchDashboardsAddFilter`
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "objects" / "vega"
DATA = FOLDER / "data"


def written(name: str) -> str:
    """The specification as one line, with its data files in it. Raises KeyError when a file is not there, or not
    JSON."""
    spec = _read(FOLDER / f"{name}.json")
    for data in spec["data"]:
        if isinstance(data.get("values"), str):
            data["values"] = _read(DATA / data["values"])
    return json.dumps(spec, ensure_ascii=False, separators=(",", ":"))


def asking(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The data sets whose `url` is a search."""
    for data in spec["data"]:
        if "url" in data:
            yield data


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KeyError(path.stem) from error

"""dashboards_link: where OpenSearch Dashboards shows the same.

In:   where Dashboards is, an alert
Out:  links to Discover: the alert with its events as they stand, and whatever its entity did an hour around
Docs: OpenSearch Dashboards, plugin data_explorer; Rison (`!` and `'` are written `!!` and `!'` in a string)
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from detectors.alert import iso

AROUND = timedelta(hours=1)


@dataclass(frozen=True)
class Links:
    alert: str
    entity: str


def of_alert(dashboards_url: str, alert: Mapping[str, Any]) -> Links | None:
    """None where no Dashboards is known."""
    if not dashboards_url:
        return None
    first, last = (datetime.fromisoformat(alert[name]) for name in ("first_seen", "last_seen"))
    found = (
        _discover(dashboards_url, f"soc.alert.{name}", value, iso(first - AROUND), iso(last + AROUND))
        for name, value in (("id", alert["id"]), ("entity.value", alert["entity"]["value"]))
    )
    return Links(*found)


def _discover(url: str, field: str, value: str, since: str, until: str) -> str:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    query = urllib.parse.quote(_rison(f'{field}:"{quoted}"'), safe="")
    return (
        f"{url.rstrip('/')}/app/data-explorer/discover#?"
        f"_a=(discover:(columns:!(_source),sort:!()),metadata:(indexPattern:soc-alerts,view:discover))"
        f"&_g=(time:(from:'{since}',to:'{until}'))"
        f"&_q=(filters:!(),query:(language:lucene,query:'{query}'))"
    )


def _rison(text: str) -> str:
    return text.replace("!", "!!").replace("'", "!'")

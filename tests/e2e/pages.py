"""pages: alerts that tests put, and a browser's page at the pages that show them.

In:   what an alert is about; a browser and the pages' address
Out:  alert documents; a page at the queue; pictures for the guide
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Browser, Page

from detectors.alert import Seen, Source, document
from hamrong.config import PROJECT

NOW = datetime.now(UTC).replace(microsecond=0)
PICTURES = PROJECT / "docs/pictures"

FAULTS: list[str] = []
"""What the pages' scripts and their security policy complained of."""


def alert(entity: str, reason_vi: str, level: str = "high", count: int = 3, **more: Any) -> dict[str, Any]:
    sample = {
        "@timestamp": NOW,
        "event": {
            "id": "1",
            "original": more.get("original", "GET /?id=1%27%20OR%201=1"),
            "module": "nginx",
            "dataset": "nginx.access",
        },
        "service": {"name": more.get("service", "portal")},
        "source": {"ip": entity},
        "related": {"ip": [entity]},
        "url": {"original": "/?id=1' union select 1,2", "query": "id=1' union select 1,2"},
        "http": {"response": {"status_code": 200}},
    }
    source = Source(
        id=more.get("rule", "11111111-1111-4111-8111-111111111111"),
        title="SQL injection in a web request",
        level=level,
        detector="sigma",
        reason=f"English: {reason_vi}",
        reason_vi=reason_vi,
        tags=("attack.initial-access", "attack.t1190"),
        runbook="Xem yêu cầu có mã 200 không.",
    )
    seen = Seen("source.ip", entity, NOW - timedelta(hours=1), 3600, count, NOW, NOW, [sample], more.get("asset", 4))
    return document(source, seen, NOW)


def page_of(browser: Browser, address: str, who: str = "") -> Page:
    page = browser.new_context(locale="vi-VN", viewport={"width": 1400, "height": 1000}).new_page()
    page.on("pageerror", lambda error: FAULTS.append(f"a script failed: {error}"))
    page.on("console", lambda line: FAULTS.append(line.text) if "Content Security Policy" in line.text else None)
    if who:
        page.goto(f"{address}/soc/log-in")
        page.get_by_label("Tài khoản").fill(who)
        page.get_by_role("button", name="Đăng nhập").click()
    page.goto(f"{address}/soc/queue")
    return page


def picture(page: Page, name: str) -> None:
    """Kept in docs/pictures when UPDATE_PICTURES is set, else only taken."""
    target = PICTURES / f"{name}.png" if os.environ.get("UPDATE_PICTURES") else None
    if target:
        target.parent.mkdir(exist_ok=True)
    page.screenshot(path=target, full_page=False)

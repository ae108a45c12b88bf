"""The alert pages in a real browser, on alerts in the real OpenSearch: a shift's work from the queue to the verdict."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from opensearchpy import OpenSearch
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dashboards.loader import install_templates
from detectors.alert import Seen, Source, document
from detectors.sigma.load import load
from hamrong.config import PROJECT, Config
from triage import store
from triage.web.app import build

pytestmark = pytest.mark.e2e

NOW = datetime.now(UTC).replace(microsecond=0)
SQL_INJECTION = "web_sql_injection"
HOSTILE = '<script>document.title="bị đổi"</script><img src=x onerror=alert(1)> {{ 7 * 7 }} \x1b[31mđỏ'
PICTURES = PROJECT / "docs/pictures"


FAULTS: list[str] = []
"""What the pages' scripts and their security policy complained of."""


@pytest.fixture(autouse=True)
def no_faults() -> Iterator[None]:
    FAULTS.clear()
    yield
    assert not FAULTS


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "chromium is not on PATH; install Debian's package chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


def alert(entity: str, reason_vi: str, level: str = "high", count: int = 3, **more: Any) -> dict[str, Any]:
    sample = {
        "@timestamp": NOW,
        "event": {"id": "1", "original": more.get("original", "GET /?id=1%27%20OR%201=1"), "module": "nginx"},
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
    seen = Seen("source.ip", entity, NOW - timedelta(hours=1), 3600, count, NOW, NOW, [sample], 4)
    return document(source, seen, NOW)


@pytest.fixture
def alerts(opensearch_client: OpenSearch, opensearch_url: str, cfg: Config) -> Iterator[Any]:
    """A function that puts alerts, and the address of pages that show them."""
    alias = f"alerts-{uuid.uuid4().hex[:8]}"
    install_templates(opensearch_client, alias=alias)
    changed = dataclasses.replace(
        cfg,
        opensearch=dataclasses.replace(cfg.opensearch, url=opensearch_url, alerts_alias=alias),
        triage=dataclasses.replace(cfg.triage, review_folder=cfg.report.folder.parent / "review"),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    app = build(changed)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()

    class Alerts:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        review = changed.triage.review_folder
        rule = next(one.id for one in app.state.office.ruleset.rules if SQL_INJECTION in one.path)

        @staticmethod
        def put(*documents: dict[str, Any]) -> list[str]:
            assert [why for _, why in store.put(opensearch_client, documents, alias) if why] == []
            opensearch_client.indices.refresh(index=f"{alias}-*")
            return [one["soc"]["alert"]["id"] for one in documents]

        @staticmethod
        def stored(identity: str) -> dict[str, Any]:
            found = opensearch_client.search(index=alias, body={"query": {"ids": {"values": [identity]}}})
            return dict(found["hits"]["hits"][0]["_source"]["soc"]["alert"])

        @staticmethod
        def audited(action: str) -> int:
            opensearch_client.indices.refresh(index="soc-audit-*")
            wanted = {"query": {"term": {"event.action": action}}}
            return int(opensearch_client.count(index="soc-audit-*", body=wanted)["count"])

    yield Alerts()
    server.should_exit = True
    thread.join(10)
    listener.close()
    opensearch_client.indices.delete(index=",".join(opensearch_client.indices.get(index=f"{alias}-*")), ignore=[404])
    opensearch_client.indices.delete_index_template(name=alias, ignore=[404])


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


def test_one_alert_from_the_queue_to_closed_and_reopened(browser: Browser, alerts: Any) -> None:
    low, high = alerts.put(
        alert("203.0.113.1", "1 yêu cầu lạ", level="low"),
        alert("203.0.113.2", "12 yêu cầu chèn mã SQL từ 203.0.113.2", rule=alerts.rule, count=12),
    )
    page = page_of(browser, alerts.address, "lan")
    first = page.locator("tr[data-alert]").first
    expect(first).to_contain_text("12 yêu cầu chèn mã SQL")
    expect(first).to_contain_text("Cổng Dịch vụ công tỉnh")
    picture(page, "queue")
    first.get_by_role("link", name="12 yêu cầu").click()
    expect(page.locator("h1")).to_contain_text("12 yêu cầu chèn mã SQL từ 203.0.113.2")
    expect(page.locator("mark").first).to_contain_text("union select")
    expect(page.locator(".tree")).to_contain_text("đúng")
    picture(page, "alert")
    page.get_by_role("button", name="Tiếp nhận").click()
    expect(page.locator(".state")).to_contain_text("Đã tiếp nhận")
    expect(page.locator(".state")).to_contain_text("lan")
    page.get_by_label("Bình luận").fill("Đã chặn trên tường lửa <b>ngay</b>")
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.locator(".comment .text")).to_have_text("Đã chặn trên tường lửa <b>ngay</b>")
    page.get_by_label("Thẻ").fill("sqli")
    page.get_by_role("button", name="Gắn", exact=True).click()
    expect(page.locator(".tag")).to_have_text("sqli")
    page.get_by_label("Kết luận").select_option("true_positive")
    page.get_by_role("button", name="Đóng").click()
    expect(page.locator(".state")).to_contain_text("Đã đóng: Đúng là tấn công")
    page.goto(f"{alerts.address}/soc/queue")
    expect(page.locator("tr[data-alert]")).to_have_count(1)
    page.goto(f"{alerts.address}/soc/alert/{high}")
    page.get_by_role("textbox", name="Vì sao").fill("lại thấy")
    page.get_by_role("button", name="Mở lại").click()
    expect(page.locator(".state")).to_contain_text("Mở lại")
    stands = alerts.stored(high)
    assert [entry["action"] for entry in stands["history"]] == ["acknowledge", "comment", "tag", "close", "reopen"]
    assert stands["status"] == "reopened"
    assert alerts.stored(low)["status"] == "open"
    assert alerts.audited("alert-close") >= 1
    assert alerts.audited("alert-view") >= 1


def test_the_second_of_two_analysts_sees_what_the_first_did_and_overwrites_nothing(
    browser: Browser, alerts: Any
) -> None:
    (identity,) = alerts.put(alert("203.0.113.3", "quét cổng"))
    lan, minh = (page_of(browser, alerts.address, who) for who in ("lan", "minh"))
    for page in (lan, minh):
        page.goto(f"{alerts.address}/soc/alert/{identity}")
    lan.get_by_role("button", name="Nhận việc này").click()
    expect(lan.locator(".state")).to_contain_text("lan")
    minh.get_by_label("Kết luận").select_option("false_positive")
    minh.get_by_role("button", name="Đóng").click()
    notice = minh.get_by_role("alert")
    expect(notice).to_contain_text("có người đã đổi cảnh báo này")
    expect(notice).to_contain_text("lan")
    assert alerts.stored(identity)["status"] == "open"
    minh.get_by_label("Kết luận").select_option("false_positive")
    minh.get_by_role("button", name="Đóng").click()
    expect(minh.locator(".state")).to_contain_text("Báo nhầm")


def test_the_keyboard_is_enough(browser: Browser, alerts: Any) -> None:
    one, two, three = alerts.put(
        alert("203.0.113.4", "một", level="critical"), alert("203.0.113.5", "hai"), alert("203.0.113.6", "ba", "low")
    )
    page = page_of(browser, alerts.address, "lan")
    for key in ("j", "x", "j", "x", "a"):
        page.keyboard.press(key)
    expect(page.locator("tr[data-alert]", has_text="Đã tiếp nhận")).to_have_count(2)
    assert [alerts.stored(identity)["status"] for identity in (one, two, three)] == [
        "acknowledged",
        "acknowledged",
        "open",
    ]
    page.keyboard.press("/")
    page.keyboard.type("ba")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-alert]")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("ba")
    page.keyboard.press("a")
    expect(page.locator(".state")).to_contain_text("Đã tiếp nhận")


def test_many_are_closed_at_once_and_the_list_says_which_were_not(browser: Browser, alerts: Any) -> None:
    ids = alerts.put(*(alert(f"203.0.113.{number}", f"số {number}") for number in range(10, 14)))
    page = page_of(browser, alerts.address, "lan")
    other = page_of(browser, alerts.address, "minh")
    other.goto(f"{alerts.address}/soc/alert/{ids[0]}")
    other.get_by_role("button", name="Tiếp nhận").click()
    for box in page.locator("tr[data-alert] input").all():
        box.check()
    page.locator(".many select").select_option("benign_expected")
    page.get_by_role("button", name="Đóng").click()
    expect(page.get_by_role("alert")).to_contain_text("changed by minh")
    assert sorted(alerts.stored(identity)["status"] for identity in ids) == ["acknowledged", *["closed"] * 3]


def test_an_alert_full_of_html_stays_text(browser: Browser, alerts: Any) -> None:
    (identity,) = alerts.put(alert("203.0.113.20", HOSTILE, original=HOSTILE))
    page = page_of(browser, alerts.address, "lan")
    for address in ("/soc/queue", f"/soc/alert/{identity}", "/soc/entity/source.ip/203.0.113.20"):
        page.goto(alerts.address + address)
        expect(page.locator("main")).to_contain_text("<script>document.title")
        expect(page.locator("main")).to_contain_text("{{ 7 * 7 }}")
        assert page.locator("main img, main script").count() == 0
        assert page.title() != "bị đổi"


def test_an_exception_becomes_a_filter_that_waits_for_an_engineer(browser: Browser, alerts: Any) -> None:
    (identity,) = alerts.put(alert("203.0.113.21", "chèn mã SQL", rule=alerts.rule))
    page = page_of(browser, alerts.address, "lan")
    page.goto(f"{alerts.address}/soc/alert/{identity}")
    page.get_by_label("Lý do").fill("Máy quét lỗ hổng của tỉnh")
    page.get_by_role("button", name="Gửi kỹ sư xem lại").click()
    expect(page.get_by_role("status")).to_contain_text("chưa có hiệu lực")
    (written,) = Path(alerts.review).glob("*.yml")
    loaded = load(str(written), written.read_bytes())
    assert not loaded.problems
    assert [entry["kind"] for entry in loaded.entries] == ["filter"]
    assert "203.0.113.21" in written.read_text(encoding="utf-8")


def test_what_is_known_of_an_address_and_of_the_rules(browser: Browser, alerts: Any) -> None:
    alerts.put(
        alert("203.0.113.22", "chèn mã SQL", rule=alerts.rule),
        alert("203.0.113.22", "quét", level="low", service="lgsp"),
    )
    page = page_of(browser, alerts.address, "lan")
    page.locator("a.entity").first.click()
    expect(page.locator("h1")).to_contain_text("203.0.113.22")
    expect(page.locator("main")).to_contain_text("Trục tích hợp")
    expect(page.locator("table.risk tbody tr")).to_have_count(1)
    picture(page, "entity")
    page.get_by_role("link", name="Luật").first.click()
    expect(page.locator("tbody tr").first).to_contain_text("SQL")
    picture(page, "rules")


def test_english_by_a_switch_that_is_kept(browser: Browser, alerts: Any) -> None:
    alerts.put(alert("203.0.113.23", "quét"))
    page = page_of(browser, alerts.address, "lan")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Alert queue")
    page.goto(f"{alerts.address}/soc/queue")
    expect(page.locator("tr[data-alert]")).to_contain_text("English: quét")


def test_it_works_without_a_script(browser: Browser, alerts: Any) -> None:
    (identity,) = alerts.put(alert("203.0.113.24", "quét"))
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{alerts.address}/soc/alert/{identity}")
    page.get_by_role("button", name="Tiếp nhận").click()
    assert alerts.stored(identity)["status"] == "acknowledged"


def test_nobody_changes_anything_from_elsewhere(alerts: Any) -> None:
    (identity,) = alerts.put(alert("203.0.113.25", "quét"))
    with httpx.Client(base_url=alerts.address) as client:
        client.get("/soc/queue")
        answer = client.post(f"/soc/alert/{identity}", data={"action": "close", "value": "duplicate", "csrf": "x"})
        assert answer.status_code == 403
        assert client.get(f"/soc/alert/{identity}?action=close&value=duplicate").status_code == 200
        page = client.get("/soc/queue")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert client.get("/soc/alert/nothing").status_code == 404
        assert client.delete(f"/soc/alert/{identity}").status_code == 405
    assert alerts.stored(identity)["status"] == "open"


CONTRAST = """
() => {
  const shade = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const [r, g, b, a = 1] = shade(getComputedStyle(node).backgroundColor);
      if (a) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !node.checkVisibility()) continue;
    const [a, b] = [light(shade(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(`${node.tagName} ${node.className} ${ratio.toFixed(2)}`);
  }
  return bad;
}
"""


def test_every_text_stands_out_from_its_ground(browser: Browser, alerts: Any) -> None:
    (identity,) = alerts.put(
        alert("203.0.113.26", "quét", rule=alerts.rule),
        *(alert(f"203.0.113.{30 + n}", level, level) for n, level in enumerate(("critical", "medium", "low"))),
    )[:1]
    page = page_of(browser, alerts.address, "lan")
    for address in ("/soc/queue", f"/soc/alert/{identity}", "/soc/rules", "/soc/log-in", "/soc/alert/none"):
        page.goto(alerts.address + address)
        assert page.evaluate(CONTRAST) == []

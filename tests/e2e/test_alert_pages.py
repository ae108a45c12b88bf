"""The alert pages in a real browser, on alerts in the real OpenSearch: a shift's work from the queue to the verdict."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from detectors.sigma.load import load
from tests.e2e.pages import alert, page_of, picture

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("no_faults")]

HOSTILE = '<script>document.title="bị đổi"</script><img src=x onerror=alert(1)> {{ 7 * 7 }} \x1b[31mđỏ'


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
    expect(page.locator(".tree")).to_contain_text("tất cả")
    expect(page.locator(".tree")).not_to_contain_text("all of")
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
    expect(page.locator(".history")).to_contain_text("Mới → Đã tiếp nhận")
    expect(page.locator(".history")).to_contain_text("Đã tiếp nhận → Đã đóng: Đúng là tấn công")
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
    expect(page.get_by_role("alert")).to_contain_text("vừa được minh thay đổi")
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
    drawing = page.get_by_role("img", name="Rủi ro cao nhất mỗi ngày của 203.0.113.22")
    expect(drawing.locator("rect")).to_have_count(1)
    expect(drawing.locator("desc")).to_contain_text("1 ngày có cảnh báo")
    picture(page, "entity")
    page.get_by_text("Bảng theo ngày").click()
    expect(page.locator("table.risk tbody tr")).to_have_count(1)
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


def test_the_alerts_before_and_after_are_those_of_the_queue_one_came_from(browser: Browser, alerts: Any) -> None:
    low, one, two, three = alerts.put(
        alert("203.0.113.40", "ngoài bộ lọc", level="low"),
        *(alert(f"203.0.113.{41 + number}", f"thứ {number}", asset=5 - number) for number in range(3)),
    )
    page = page_of(browser, alerts.address, "lan")
    page.goto(f"{alerts.address}/soc/queue?severity=high")
    page.get_by_role("link", name="thứ 1").click()
    expect(page.get_by_role("link", name="Cảnh báo trước")).to_have_attribute("href", re.compile(f"/soc/alert/{one}"))
    page.get_by_label("Kết luận").select_option("benign_expected")
    page.get_by_role("button", name="Đóng").click()
    expect(page.locator(".state")).to_contain_text("Đã đóng")
    page.keyboard.press("n")
    expect(page.locator("h1")).to_contain_text("thứ 2")
    expect(page.get_by_role("link", name="Cảnh báo sau")).to_have_count(0)
    page.keyboard.press("p")
    expect(page.locator("h1")).to_contain_text("thứ 0")
    page.keyboard.press("u")
    expect(page).to_have_url(f"{alerts.address}/soc/queue?severity=high")
    expect(page.locator("tr[data-alert]")).to_have_count(2)
    assert {low, two, three} & {alerts.stored(two)["id"]} == {two}


def test_the_timeline_shows_every_alert_and_marks_this_one(browser: Browser, alerts: Any) -> None:
    _, identity, other = alerts.put(
        alert("203.0.113.50", "một", level="low", rule="1" * 36),
        alert("203.0.113.50", "hai"),
        alert("203.0.113.51", "máy khác"),
    )
    page = page_of(browser, alerts.address, "lan")
    page.goto(f"{alerts.address}/soc/alert/{identity}")
    drawing = page.get_by_role("img", name="Cảnh báo của 203.0.113.50")
    expect(drawing.locator("circle")).to_have_count(2)
    expect(drawing.locator("g.current.high circle")).to_have_count(1)
    expect(drawing.locator("line.now")).to_have_count(1)
    expect(page.locator("tr.current")).to_contain_text("hai")
    expect(page.locator(f"section[aria-labelledby=timeline] a[href*='{other}']")).to_have_count(0)
    drawing.locator("g.low circle").click()
    expect(page.locator("h1")).to_contain_text("một")


def test_single_keys_can_be_switched_off_and_an_entity_copied(browser: Browser, alerts: Any) -> None:
    (identity,) = alerts.put(alert("203.0.113.52", "quét"))
    page = page_of(browser, alerts.address, "lan")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=alerts.address)
    page.goto(f"{alerts.address}/soc/alert/{identity}")
    page.get_by_role("button", name="Chép 203.0.113.52").click()
    expect(page.get_by_role("button", name="Đã chép")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "203.0.113.52"
    page.keyboard.press("?")
    page.get_by_role("button", name="Tắt phím tắt").click()
    page.keyboard.press("a")
    page.reload()
    page.keyboard.press("a")
    assert alerts.stored(identity)["status"] == "open"


def test_a_list_that_is_not_fresh_says_so(browser: Browser, alerts: Any) -> None:
    alerts.put(alert("203.0.113.53", "quét"))
    page = page_of(browser, alerts.address, "lan")
    page.route("**/soc/queue", lambda route: route.abort())
    page.evaluate("refresh()")
    expect(page.get_by_role("status")).to_contain_text("chưa được làm mới")
    page.unroute("**/soc/queue")
    alerts.put(alert("203.0.113.54", "mới tới"))
    page.evaluate("refresh()")
    expect(page.get_by_role("status")).to_have_count(0)
    expect(page.locator("tr[data-alert]")).to_have_count(2)

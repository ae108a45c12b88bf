"""The alert pages for whoever sees little, hears the page, has no mouse, or a telephone only (WCAG 2.2 AA)."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.pages import alert, page_of

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("no_faults")]

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
  const hold = (node, colour, least) => {
    const [a, b] = [light(shade(colour)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least) bad.push(`${node.tagName} ${node.getAttribute("class")} ${colour} ${ratio.toFixed(2)}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !node.checkVisibility()) continue;
    if (["TITLE", "DESC", "NOSCRIPT"].includes(node.tagName.toUpperCase())) continue;
    const style = getComputedStyle(node);
    hold(node, node instanceof SVGElement ? style.fill : style.color, 4.5);
  }
  for (const node of document.querySelectorAll(".drawing circle, .drawing rect"))
    hold(node, getComputedStyle(node).stroke, 3);
  for (const node of document.querySelectorAll("input, select, textarea, button:not(.plain)"))
    if (node.checkVisibility()) hold(node.parentElement, getComputedStyle(node).borderTopColor, 3);
  return bad;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_and_shape_stands_out_from_its_ground(
    scheme: Literal["light", "dark"], browser: Browser, alerts: Any
) -> None:
    (identity,) = alerts.put(
        alert("203.0.113.26", "quét", rule=alerts.rule),
        *(
            alert("203.0.113.26", level, level, rule=f"{n}" * 36)
            for n, level in enumerate(("critical", "medium", "low"))
        ),
    )[:1]
    page = page_of(browser, alerts.address, "lan")
    page.emulate_media(color_scheme=scheme)
    entity = "/soc/entity/source.ip/203.0.113.26"
    for address in ("/soc/queue", f"/soc/alert/{identity}", entity, "/soc/rules", "/soc/log-in", "/soc/alert/none"):
        page.goto(alerts.address + address)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        assert page.evaluate(CONTRAST) == []


UNCLEAR = """
() => {
  const bad = [];
  for (const node of document.querySelectorAll("input:not([type=hidden]), select, textarea, button, summary, a")) {
    const name = node.labels?.length ? node.labels[0].textContent : node.getAttribute("aria-label") ?? node.textContent;
    if (!name.trim()) bad.push(`no name: ${node.outerHTML}`);
  }
  let before = 0;
  for (const node of document.querySelectorAll("h1, h2, h3")) {
    const level = Number(node.tagName[1]);
    if (level > before + 1) bad.push(`h${before} then ${node.outerHTML}`);
    before = level;
  }
  if (document.querySelectorAll("h1").length !== 1) bad.push("not one h1");
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  if (new Set(ids).size !== ids.length) bad.push("an id twice");
  for (const node of document.querySelectorAll("[aria-labelledby]"))
    for (const id of node.getAttribute("aria-labelledby").split(" "))
      if (!document.getElementById(id)) bad.push(`labelled by nothing: ${id}`);
  return bad;
}
"""


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_pages_can_be_heard_walked_by_keyboard_and_read_on_a_telephone(
    language: str, browser: Browser, alerts: Any
) -> None:
    (identity,) = alerts.put(alert("203.0.113.27", f"quét {'x' * 300}", rule=alerts.rule))
    page = page_of(browser, alerts.address, "lan")
    page.set_viewport_size({"width": 400, "height": 900})
    entity = "/soc/entity/source.ip/203.0.113.27"
    for address in ("/soc/queue", f"/soc/alert/{identity}", entity, "/soc/rules", "/soc/log-in"):
        page.goto(f"{alerts.address}{address}?lang={language}")
        assert page.evaluate(UNCLEAR) == []
        assert page.locator("html").get_attribute("lang") == language
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, address
    page.goto(f"{alerts.address}/soc/alert/{identity}")
    expect(page.locator(".runbook p")).to_have_attribute("lang", "vi")
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
        width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert float(width.removesuffix("px")) >= 2, page.evaluate("document.activeElement.outerHTML")
    assert len(seen) >= 25

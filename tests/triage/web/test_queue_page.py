"""The queue's page, from hits as OpenSearch gives them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request

from hamrong.config import Config
from triage import queue_counts
from triage.audit import Act
from triage.web import queue_page
from triage.web.app import build

HIT = {
    "soc.alert.id": ["a"],
    "soc.alert.status": ["acknowledged"],
    "soc.alert.severity": ["high"],
    "soc.alert.risk_score": [69],
    "soc.alert.count": [12_345],
    "soc.alert.first_seen": ["2026-11-24T08:00:00.000Z"],
    "soc.alert.last_seen": ["2026-11-24T08:05:00.000Z"],
    "soc.alert.entity.type": ["user.name"],
    "soc.alert.entity.value": ["lan/<b>"],
    "soc.alert.reason.keyword": ["12 failed log-ins <i>"],
    "soc.alert.reason_vi.keyword": ["12 lần đăng nhập sai <i>"],
    "soc.alert.history.when": ["2026-11-24T08:00:00.000Z"] * 3,
}


class Answers:
    """In place of OpenSearch."""

    total: dict[str, Any] = {"value": 1, "relation": "eq"}  # noqa: RUF012
    hits: list[dict[str, Any]] = []  # noqa: RUF012

    def search(self, index: str, body: dict[str, Any]) -> dict[str, Any]:
        return {"hits": {"total": self.total, "hits": [{"fields": hit} for hit in self.hits]}}

    def msearch(self, body: list[dict[str, Any]]) -> dict[str, Any]:
        shown = {"severity": {"buckets": [{"key": "high", "doc_count": 1_234}]}, "service": {"buckets": []}}
        views = {name: {"doc_count": 5} for name in queue_counts.COUNTED}
        mine = {"buckets": [{"key": "demo", "doc_count": 2}]}
        return {"responses": [{"aggregations": shown}, {"aggregations": {"view": {"buckets": views}, "mine": mine}}]}


class Written(list[Act]):
    """In place of the audit's index."""

    def record(self, act: Act) -> None:
        self.append(act)


Show = Callable[..., str]


@pytest.fixture
def audit() -> Written:
    return Written()


@pytest.fixture
def show(cfg: Config, audit: Written) -> Show:
    app = build(cfg)
    office = app.state.office
    office.audit = audit

    def page(*hits: dict[str, Any], query: str = "", total: dict[str, Any] | None = None, by: str = "document") -> str:
        answers = Answers()
        answers.hits, answers.total = list(hits), total or Answers.total
        office.client, office.counter = answers, queue_counts.Counter(answers, "soc-alerts")  # type: ignore[arg-type]
        scope = {"type": "http", "method": "GET", "path": "/soc/queue", "query_string": query.encode()}
        scope["headers"] = [(b"sec-fetch-dest", by.encode())]
        body = queue_page.show(Request({**scope, "app": app, "session": {}})).body
        return bytes(body).decode()

    return page


def cells(page: str) -> list[str]:
    """The text of each cell of the only row."""
    (row,) = re.findall(r"<tr data-alert.*?</tr>", page, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]


def test_who_looks_at_the_queue_is_on_record_but_not_its_refresh(show: Show, audit: Written) -> None:
    show(HIT, query="entity=lan", by="document")
    show(HIT, query="entity=lan", by="empty")
    assert [(act.who, act.action, act.note) for act in audit] == [("demo", "queue-view", "entity=lan")]


def test_a_row_in_both_languages(show: Show) -> None:
    page = show({**HIT, "service.name": ["nobody-knows"], "soc.alert.assignee": ["minh"]})
    severity, risk, _, system, entity, reason, count, status, assignee = cells(page)[1:]
    assert (severity, risk, count) == ("Cao", "69", "12\u202f345")
    assert (system, entity) == ("nobody-knows", "lan/&lt;b&gt;")
    assert (reason, status, assignee) == ("12 lần đăng nhập sai &lt;i&gt;", "Đã tiếp nhận", "minh")
    assert 'value="a:3"' in page
    assert 'href="/soc/entity/user.name/lan%2F%3Cb%3E"' in page
    english = cells(show(HIT, query="lang=en"))
    assert [english[place] for place in (1, 4, 6, 8, 9)] == [
        "High",
        "–",
        "12 failed log-ins &lt;i&gt;",
        "Acknowledged",
        "–",
    ]


def test_what_nobody_translated_is_shown_as_it_is(show: Show) -> None:
    odd = {**HIT, "soc.alert.severity": ["dire"], "soc.alert.status": ["closed"], "soc.alert.verdict": ["unsure"]}
    shown = cells(show(odd))
    assert (shown[1], shown[8]) == ("dire", "Đã đóng: unsure")
    known = {**odd, "soc.alert.verdict": ["false_positive"]}
    assert cells(show(known, query="lang=en"))[8] == "Closed: False positive"


def test_counts_and_pages(show: Show) -> None:
    page = show(HIT, total={"value": 1_001, "relation": "gte"}, query="page=20")
    assert "Hơn 1\u202f001 cảnh báo" in page
    assert 'rel="next" href="/soc/queue?page=21"' in page
    assert "<span>20 / 21+</span>" in page
    last = show(HIT, total={"value": 10_001, "relation": "gte"}, query="page=200")
    assert 'rel="next"' not in last, "OpenSearch pages no deeper"
    assert "Cao (1\u202f234)" in page
    assert re.search(r"Của tôi <span class=\"n\">2</span>", page)
    assert re.search(r"Quá hạn 24 giờ <span class=\"n\">5</span>", page)
    assert "Không có cảnh báo nào." in show(total={"value": 0, "relation": "eq"})

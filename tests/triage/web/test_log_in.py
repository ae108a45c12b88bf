"""Log-in and sessions, against a server that answers as OpenSearch's security plugin does."""

from __future__ import annotations

import base64
import dataclasses
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from hamrong.config import Config, Triage
from triage.web.app import build
from triage.web.tries import OF_BOTH

PASSWORDS = {"lan": "mật khẩu", "xem": "x", "khach": "x"}
ROLES = {"lan": ["soc_analyst"], "xem": ["soc_viewer"], "khach": ["own_index"]}


class Security(BaseHTTPRequestHandler):
    """Who one is; and every document of the audit trail is taken."""

    asked: list[str] = []  # noqa: RUF012 (of one test; the fixture empties it)
    audited: list[dict[str, Any]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        name, _, password = base64.b64decode(self.headers["authorization"].split()[1]).decode().partition(":")
        self.asked.append(name)
        if PASSWORDS.get(name) == password:
            self._answer(200, {"user_name": name, "roles": ROLES[name]})
        else:
            self._answer(401, {})

    def do_POST(self) -> None:
        self.audited.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self._answer(201, {"result": "created"})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def cfg_here(cfg: Config) -> Iterator[Config]:
    Security.asked.clear()
    Security.audited.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Security)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    opensearch = dataclasses.replace(cfg.opensearch, url=f"http://127.0.0.1:{server.server_port}")
    yield dataclasses.replace(cfg, opensearch=opensearch, triage=Triage(log_in="opensearch"))
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def client(app: Starlette) -> Iterator[httpx.Client]:
    """A browser at pages that are really served."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as made:
            yield made
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def browser(cfg_here: Config) -> Iterator[httpx.Client]:
    with client(build(cfg_here)) as made:
        yield made


def csrf_of(browser: httpx.Client) -> str:
    return str(json.loads(base64.b64decode(browser.cookies["hamrong"].split(".")[0]))["csrf"])


def enter(browser: httpx.Client, name: str = "lan", password: str = "mật khẩu", **more: str) -> Any:
    return browser.post("/soc/log-in", data={"name": name, "password": password, **more})


def test_who_logs_in_goes_on_to_the_page_they_wanted(browser: httpx.Client) -> None:
    away = browser.get("/soc/alert/abc?queue=view%3Dmine")
    assert away.headers["location"] == "/soc/log-in?next=%2Fsoc%2Falert%2Fabc%3Fqueue%3Dview%253Dmine"
    form = browser.get(away.headers["location"])
    assert 'value="/soc/alert/abc?queue=view%3Dmine"' in form.text
    assert enter(browser, next="/soc/alert/abc").headers["location"] == "/soc/alert/abc"
    assert Security.audited[-1]["user.name"] == "lan"


@pytest.mark.parametrize("elsewhere", ["https://evil.example.org/soc/", "//evil.example.org", "/soc/\\evil", "/other"])
def test_nobody_is_led_elsewhere(browser: httpx.Client, elsewhere: str) -> None:
    assert enter(browser, next=elsewhere).headers["location"] == "/soc/queue"


def test_a_wrong_password_is_answered_in_the_reader_s_language_and_is_on_record(browser: httpx.Client) -> None:
    answer = enter(browser, password="sai")
    assert answer.status_code == 401
    assert "tên hoặc mật khẩu không đúng" in answer.text
    assert 'value="lan"' in answer.text
    assert "sai" not in answer.text
    assert (Security.audited[-1]["event.outcome"], Security.audited[-1]["user.name"]) == ("failure", "lan")


def test_an_account_without_a_role_of_ours_stays_outside(browser: httpx.Client) -> None:
    assert "không có vai trò" in enter(browser, "khach", "x").text
    assert browser.get("/soc/queue").status_code == 303


def test_too_many_tries_are_refused_even_with_the_right_password(browser: httpx.Client) -> None:
    for _ in range(OF_BOTH):
        assert enter(browser, password="sai").status_code == 401
    asked, audited = len(Security.asked), len(Security.audited)
    answer = enter(browser)
    assert answer.status_code == 429
    assert "hãy thử lại sau 15 phút" in answer.text
    assert 0 < int(answer.headers["retry-after"]) <= 901
    assert (len(Security.asked), len(Security.audited)) == (asked, audited)
    assert enter(browser, "xem", "x").status_code == 303


def test_a_session_from_before_the_log_in_is_not_carried_on(browser: httpx.Client) -> None:
    enter(browser, "xem", "x")
    planted = browser.cookies["hamrong"]
    enter(browser)
    assert browser.cookies["hamrong"] != planted
    browser.cookies.set("hamrong", planted)
    assert browser.post("/soc/log-out", data={"csrf": ""}).headers["location"].startswith("/soc/log-in")
    assert browser.get("/soc/queue").headers["location"].startswith("/soc/log-in")


def test_a_copy_of_the_cookie_opens_nothing_after_the_log_out(browser: httpx.Client) -> None:
    enter(browser)
    copied = browser.cookies["hamrong"]
    browser.post("/soc/log-out", data={"csrf": csrf_of(browser)})
    browser.cookies.set("hamrong", copied)
    assert browser.get("/soc/queue").headers["location"].startswith("/soc/log-in")


def test_the_cookie_is_for_this_name_alone_and_no_script_reads_it(cfg_here: Config) -> None:
    https = dataclasses.replace(cfg_here, triage=dataclasses.replace(cfg_here.triage, https=True))
    with client(build(https)) as browser:
        cookie = enter(browser).headers["set-cookie"].lower()
    assert cookie.startswith("__host-hamrong=")
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "domain" not in cookie


@pytest.mark.parametrize(
    ("minutes", "fetched", "stays"), [(59, False, True), (61, False, False), (59, True, True), (61, True, False)]
)
def test_a_session_nobody_uses_ends(cfg_here: Config, minutes: int, fetched: bool, stays: bool) -> None:
    app = build(cfg_here)
    access = app.state.office.access
    now = 1_800_000_000.0
    access._clock = lambda: now
    with client(app) as browser:
        enter(browser)
        now += 30 * 60
        # A page that a person asks for keeps the session, the refresh of the queue does not.
        browser.post("/soc/log-out", headers={"sec-fetch-dest": "empty" if fetched else "document"})
        now += (minutes - 30 if fetched else minutes) * 60
        away = browser.post("/soc/log-out").headers["location"]
    # A log-out without the form's token does nothing; without a session it first asks for the log-in.
    assert ("next" not in away) is stays


def test_a_form_from_another_site_is_refused_also_at_the_log_in(browser: httpx.Client) -> None:
    answer = browser.post("/soc/log-in", data={"name": "lan"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "biểu mẫu đến từ trang khác" in answer.text
    assert Security.asked == []


def test_a_form_has_bounds(browser: httpx.Client) -> None:
    assert browser.post("/soc/log-in", content=b"x" * ((1 << 20) + 1)).status_code == 413
    assert browser.post("/soc/log-in", content=iter([b"name=lan"])).status_code == 411


@pytest.mark.slow
def test_without_log_in_the_pages_answer_to_this_machine_s_names_only(cfg_here: Config) -> None:
    local = dataclasses.replace(cfg_here, triage=Triage(dashboards_url="https://boards.example.org:5601"))
    app = build(local)
    names = (
        ("127.0.0.1:8088", 200),
        ("localhost", 200),
        ("[::1]:8088", 200),
        ("boards.example.org", 200),
        ("evil.example.org", 421),
        ("[::1", 421),
        ("", 421),
    )
    with client(app) as browser:
        for name, status in names:
            answer = browser.get("/soc/log-in", headers={"host": name})
            assert answer.status_code == status, name
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_who_may_only_look_changes_nothing_and_the_try_is_on_record(browser: httpx.Client) -> None:
    enter(browser, "xem", "x")
    answer = browser.post("/soc/alert/x", data={"action": "close", "csrf": csrf_of(browser)})
    assert answer.status_code == 403
    assert "chỉ được xem" in answer.text
    assert (Security.audited[-1]["event.action"], Security.audited[-1]["event.outcome"]) == (
        "change-refused",
        "failure",
    )

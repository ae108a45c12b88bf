"""nginx as the composed service `proxy` configures it, before the real alert pages and a stub for Dashboards."""

from __future__ import annotations

import dataclasses
import http.client
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dashboards.security import install_roles
from hamrong.config import PROJECT, Secret
from hamrong.config import OpenSearch as Settings
from hamrong.stack.ports import any_port
from tests.deploy import compose
from tests.deploy.secured import Secured, serving
from tests.deploy.test_scripts import make_certificates
from triage import store

pytestmark = pytest.mark.slow

ANALYST, PASSWORD = "lan", "mật khẩu: đủ dài"
HERE, FORGED = "127.0.0.2", "203.0.113.9"
"""An address of the client's own, which is not the proxy's; and one that it only claims."""


@dataclass
class Door:
    port: int
    pages_port: int
    authority: Path
    seen: list[tuple[str, str, dict[str, str]]]
    """Method, path and headers of what came to Dashboards."""
    secured: Secured

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> http.client.HTTPResponse:
        context = ssl.create_default_context(cafile=self.authority)
        connection = http.client.HTTPSConnection(
            "localhost", self.port, timeout=20, context=context, source_address=(HERE, 0)
        )
        return _asked(connection, method, path, body, headers)

    def audited(self) -> dict[str, Any]:
        """The last act on record."""
        index, document = self.secured.written[-1]
        assert index.startswith("soc-audit-")
        return dict(document)


def _asked(
    connection: http.client.HTTPConnection, method: str, path: str, body: str, headers: dict[str, str]
) -> http.client.HTTPResponse:
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body or None, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def relocated(text: str, places: dict[str, str]) -> str:
    """The configuration with the places that only exist among containers replaced."""
    for place, here in places.items():
        assert place in text, place
        text = text.replace(place, here)
    return text


@contextmanager
def running(argv: Sequence[str | Path], env: dict[str, str], log: Path, ready: Callable[[], bool]) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(argv, env={**os.environ, **env}, stdout=out, stderr=out)
        try:
            end = time.monotonic() + 60
            while not ready():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.05)
            yield
            process.terminate()
            assert process.wait(20) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()


def served(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder, tmp_path_factory.mktemp("bin"))
    return folder


@contextmanager
def stub(own: Path, seen: list[Any]) -> Iterator[int]:
    """Something that answers as Dashboards would, under the certificate in `own`; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.command, self.path, dict(self.headers.items())))
            self.send_response(200)
            self.send_header("X-Frame-Options", "of Dashboards itself")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 (a name of the standard library)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own / "certificate.pem", own / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    users = {
        "admin": ("a", ["admin"]),
        "hamrong": (compose.DOTENV["HAMRONG_OPENSEARCH_PASSWORD"], ["soc_ingest"]),
        ANALYST: (PASSWORD, ["soc_analyst"]),
    }
    with serving(Secured(users)) as there:
        with store.client(Settings(url=there.url, user="admin", password=Secret("a"))) as client:
            install_roles(client, Settings())
        yield there


def nginx(folder: Path, certificates: Path, port: int, pages: int, dashboards: int) -> list[str | Path]:
    """The command line of an nginx with the project's configuration, which nginx itself has found right."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "nginx is not installed; as root: apt-get install nginx-light"
    (folder / "dashboards.conf").write_text(
        relocated((PROJECT / "deploy/nginx-dashboards.conf").read_text(), {"/certificates/": f"{certificates}/"})
    )
    places = {
        "/tmp/": f"{folder}/",
        "/certificates/": f"{certificates}/",
        "/deploy/nginx-dashboards.conf": f"{folder}/dashboards.conf",
        "listen 8443": f"listen 127.0.0.1:{port}",
        "http://triage:8088": f"http://127.0.0.1:{pages}",
        "https://opensearch-dashboards:5601": f"https://127.0.0.1:{dashboards}",
    }
    (folder / "nginx.conf").write_text(relocated((PROJECT / "deploy/nginx.conf").read_text(), places))
    argv: list[str | Path] = [program, "-c", folder / "nginx.conf"]
    if os.geteuid() == 0:
        # In the container nobody is root; here its workers must reach the test's folder.
        argv += ["-g", "user root;"]
    checked = subprocess.run([*argv, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr
    return argv


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, certificates: Path, secured: Secured) -> Iterator[Door]:
    folder, port, pages = tmp_path_factory.mktemp("proxy"), any_port(), any_port()
    seen: list[Any] = []
    env = compose.services()["triage"].env | {
        "HAMRONG_TRIAGE_HOST": "127.0.0.1",
        "HAMRONG_TRIAGE_PORT": str(pages),
        "HAMRONG_TRIAGE_PROXIES": "127.0.0.1",
        "HAMRONG_OPENSEARCH_URL": secured.url,
        "HAMRONG_OPENSEARCH_CA_FILE": "",
    }
    triage = [sys.executable, "-m", "hamrong.cli", "triage"]
    with stub(certificates / "opensearch-dashboards", seen) as dashboards:
        argv = nginx(folder, certificates, port, pages, dashboards)
        with (
            running(triage, env, folder / "triage.log", lambda: served(pages)),
            running(argv, {}, folder / "nginx.log", lambda: served(port)),
        ):
            yield Door(port, pages, certificates / "ca.pem", seen, secured)


def test_the_alert_pages_are_below_soc_with_their_own_policy(door: Door) -> None:
    for path in ("/soc/queue", "/soc"):
        answer = door.ask("GET", path)
        assert answer.status == 303, path
    answer = door.ask("GET", "/soc/log-in")
    assert answer.status == 200
    for name in ("Content-Security-Policy", "Strict-Transport-Security", "X-Frame-Options", "X-Content-Type-Options"):
        assert len(answer.headers.get_all(name) or []) == 1, name
    assert "nginx/" not in str(answer.headers)


def test_everything_else_is_dashboards_as_it_was_asked(door: Door) -> None:
    path = "/app/data-explorer/discover?_g=(time:now)&q=a%2Fb"
    answer = door.ask("GET", path, Host="soc.example.org", X_Forwarded_For=FORGED, Forwarded=f"for={FORGED}")
    assert answer.status == 200
    assert answer.headers.get_all("X-Frame-Options") == ["SAMEORIGIN"]
    assert answer.headers["Strict-Transport-Security"]
    method, asked, headers = door.seen[-1]
    assert (method, asked) == ("GET", path)
    assert headers["Host"] == "soc.example.org"
    assert headers["X-Forwarded-For"] == HERE
    assert "Forwarded" not in headers
    door.ask("GET", "/app/a//b%2Fc%20d/../e")
    assert door.seen[-1][1] == "/app/a//b%2Fc%20d/../e"


def test_an_analyst_logs_in_and_the_audit_says_from_where(door: Door) -> None:
    form = urllib.parse.urlencode({"name": ANALYST, "password": PASSWORD})
    answer = door.ask("POST", "/soc/log-in", form, X_Forwarded_For=FORGED)
    assert (answer.status, answer.headers["Location"]) == (303, "/soc/queue")
    cookie = answer.headers["Set-Cookie"].lower()
    assert "secure" in cookie
    assert "httponly" in cookie
    assert "samesite" in cookie
    assert (door.audited()["user.name"], door.audited()["client.ip"]) == (ANALYST, HERE)


def test_a_wrong_password_is_refused_and_is_on_record(door: Door) -> None:
    form = urllib.parse.urlencode({"name": ANALYST, "password": "sai"})
    assert door.ask("POST", "/soc/log-in", form).status == 401
    assert (door.audited()["event.outcome"], door.audited()["client.ip"]) == ("failure", HERE)


def test_nobody_takes_a_name_of_their_choice_by_a_colon(door: Door) -> None:
    """In basic authentication the name ends at the first colon, so this is lan, under another name."""
    first, rest = PASSWORD.split(":", 1)
    form = urllib.parse.urlencode({"name": f"{ANALYST}:{first}", "password": rest})
    assert door.ask("POST", "/soc/log-in", form).status == 401


def test_who_is_not_the_proxy_is_not_believed(door: Door) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", door.pages_port, timeout=20, source_address=("127.0.0.3", 0))
    form = urllib.parse.urlencode({"name": "ai", "password": "sai"})
    assert _asked(connection, "POST", "/soc/log-in", form, {"X_Forwarded_For": FORGED}).status == 401
    assert door.audited()["client.ip"] == "127.0.0.3"


def test_log_ins_to_dashboards_are_counted_and_looking_is_not(door: Door) -> None:
    answers = [door.ask("POST", "/auth/login", "x=1").status for _ in range(16)]
    assert answers[:11] == [200] * 11
    assert 429 in answers
    assert {door.ask("GET", "/auth/login").status for _ in range(16)} == {200}


def test_what_is_not_dashboards_gets_no_password(door: Door, certificates: Path, tmp_path: Path) -> None:
    port, seen = any_port(), list[Any]()
    with stub(certificates / "gateway", seen) as other:
        argv = nginx(tmp_path, certificates, port, door.pages_port, other)
        with running(argv, {}, tmp_path / "nginx.log", lambda: served(port)):
            answer = dataclasses.replace(door, port=port).ask("POST", "/auth/login", "password=x")
    assert answer.status == 502
    assert seen == []

"""The import, against an HTTP server that answers as OpenSearch Dashboards does."""

from __future__ import annotations

import base64
import email
import json
import threading
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from dashboards import build
from dashboards.importer import Dashboards, apply_settings, import_boards
from hamrong.cli import main
from hamrong.config import Secret
from hamrong.errors import ServiceError

BOARD = build.built_file(build.OBJECTS / "ca-truc.yml")


class Fake(ThreadingHTTPServer):
    """Takes objects as Dashboards does: refuses without `osd-xsrf`, counts, and names missing references."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.users: dict[str, str] = {}
        self.lost: set[str] = set()
        """Ids that this Dashboards does not take."""
        self.objects: dict[tuple[str, str], Any] = {}
        self.settings: dict[str, Any] = {}
        self.tenants: list[str | None] = []
        self.body: bytes | None = None
        """Sent instead of a real answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        fake = cast("Fake", self.server)
        content = self.rfile.read(int(self.headers["content-length"]))
        fake.tenants.append(self.headers["securitytenant"])
        if "osd-xsrf" not in self.headers:
            return self.answer(400, {"message": "Request must contain a osd-xsrf header."})
        if fake.users and self.user() not in fake.users.items():
            return self.answer(401, {"message": "Authentication required"})
        if fake.body is not None:
            return self.answer(200, fake.body)
        if self.path == "/api/opensearch-dashboards/settings":
            fake.settings |= json.loads(content)["changes"]
            return self.answer(200, {"settings": {}})
        assert self.path == "/api/saved_objects/_import?overwrite=true"
        return self.answer(200, self.take(content))

    def take(self, content: bytes) -> dict[str, Any]:
        fake = cast("Fake", self.server)
        kind = self.headers["content-type"].encode()
        (part,) = cast(
            "list[Message]", email.message_from_bytes(b"content-type: " + kind + b"\r\n\r\n" + content).get_payload()
        )
        assert part.get_param("name", header="content-disposition") == "file"
        assert str(part.get_filename()).endswith(".ndjson")
        errors = []
        for line in cast("bytes", part.get_payload(decode=True)).splitlines():
            saved = json.loads(line)
            missing = [reference for reference in saved["references"] if reference["id"] in fake.lost]
            if missing:
                error = {"type": "missing_references", "references": missing}
                errors.append({"id": saved["id"], "type": saved["type"], "error": error})
            elif saved["id"] not in fake.lost:
                fake.objects[saved["type"], saved["id"]] = saved
        count = len(fake.objects)
        return {"success": not errors, "successCount": count, **({"errors": errors} if errors else {})}

    def user(self) -> tuple[str, str]:
        given = self.headers.get("authorization", "Basic ").removeprefix("Basic ")
        name, _, password = base64.b64decode(given).decode().partition(":")
        return name, password

    def answer(self, status: int, content: dict[str, Any] | bytes) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_object_arrives_as_it_was_built(fake: Fake) -> None:
    (done,) = import_boards(Dashboards(fake.url + "/"), [BOARD])
    sent = [json.loads(line) for line in BOARD.read_text(encoding="utf-8").splitlines()]
    assert (done.board, done.objects, done.refused) == ("ca-truc", len(sent), [])
    assert list(fake.objects.values()) == sent
    assert fake.tenants == ["global"]


def test_a_partial_failure_names_each_object_and_what_it_misses(fake: Fake) -> None:
    fake.lost = {"ca-truc-muc-do"}
    (done,) = import_boards(Dashboards(fake.url), [BOARD])
    assert done.refused == ["dashboard ca-truc: missing_references: visualization ca-truc-muc-do"]


def test_name_and_password_are_sent_and_a_wrong_one_is_said(fake: Fake) -> None:
    fake.users = {"an": "mật khẩu"}
    apply_settings(Dashboards(fake.url, "an", Secret("mật khẩu")), {"dateFormat:tz": "Asia/Ho_Chi_Minh"})
    assert fake.settings == {"dateFormat:tz": "Asia/Ho_Chi_Minh"}
    with pytest.raises(ServiceError, match=r"401.*Authentication required"):
        apply_settings(Dashboards(fake.url, "an", Secret("sai")), {})


def test_something_else_on_the_port_is_said(fake: Fake) -> None:
    fake.body = b"<html>"
    with pytest.raises(ServiceError, match="not OpenSearch Dashboards"):
        import_boards(Dashboards(fake.url), [BOARD])


def test_nobody_on_the_port_is_said() -> None:
    with pytest.raises(ServiceError, match=r"http://127\.0\.0\.1:9/.*no answer"):
        import_boards(Dashboards("http://127.0.0.1:9"), [BOARD])


def test_the_command_imports_and_sets_the_time_zone(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "import", "--url", fake.url]) == 0
    assert ("dashboard", "ca-truc") in fake.objects
    assert fake.settings["dateFormat:tz"] == "Asia/Ho_Chi_Minh"
    assert "objects imported" in capsys.readouterr().out


def test_the_command_fails_when_an_object_is_refused(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    fake.lost = {"soc-alerts"}
    assert main(["dashboards", "import", "--url", fake.url]) == 1
    assert "refused: search ca-truc-hang-doi: missing_references: index-pattern soc-alerts" in capsys.readouterr().out


def test_the_command_says_which_file_is_stale(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    assert main(["dashboards", "build", "--check"]) == 1
    assert "ca-truc.ndjson: stale" in capsys.readouterr().out
    assert main(["dashboards", "build"]) == 0
    assert main(["dashboards", "build", "--check"]) == 0

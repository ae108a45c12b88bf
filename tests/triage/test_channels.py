"""What is sent by webhook and by e-mail, to a real web server and a real mail server that misbehave."""

from __future__ import annotations

import contextlib
import dataclasses
import email
import email.policy
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from hamrong.config import Config, Notify, Secret
from hamrong.errors import HamrongError
from hamrong.stack.ports import any_port
from triage.notify.channels import Mail, RefusedError, TryAgainError, Webhook, configured
from triage.notify.message import Message
from triage.notify.service import serve

MESSAGE = Message("id1", "[Hàm Rồng] Nghiêm trọng", "Một dòng\n" + "x" * 5000, {"text": "Nghiêm trọng", "alerts": []})
PLAIN = Notify(mail_to="truc@example.org", mail_from="Hàm Rồng <hamrong@example.org>")


class Server:
    """A mail server that answers as it is told; `accounts` makes it ask who is there."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.received: list[Any] = []
        self.passwords: list[str] = []

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        envelope.mail_from = address
        return self.answers.get("sender", "250 OK")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.answers.get("data", "250 OK")
        if answer.startswith("250"):
            self.received.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return answer

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.passwords.append(data.password.decode())
        return AuthResult(success=self.answers.get("account") == data.password.decode(), handled=False)


@contextmanager
def mail_server(server: Server) -> Iterator[Notify]:
    """The settings that lead to it."""
    port = any_port()
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=port,
        authenticator=server.authenticate,
        auth_require_tls=False,
        auth_required="account" in server.answers,
    )
    controller.start()
    try:
        yield dataclasses.replace(PLAIN, smtp_url=f"smtp://127.0.0.1:{port}")
    finally:
        controller.stop()


@contextmanager
def web_server(status: int = 200, endless: bool = False, **headers: str) -> Iterator[tuple[Notify, list[Any]]]:
    received: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                while endless:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                pass

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Notify(webhook_url=f"http://127.0.0.1:{server.server_port}/hook"), received
        server.shutdown()


def test_a_letter_has_what_mail_servers_want() -> None:
    server = Server()
    with mail_server(server) as settings:
        Mail(settings).send(MESSAGE)
    (letter,) = server.received
    assert letter["Subject"] == MESSAGE.subject
    assert letter["Message-ID"] == "<id1@example.org>"
    assert letter["Date"].datetime is not None
    assert letter["From"].addresses[0].display_name == "Hàm Rồng"
    assert letter.get_content().splitlines() == MESSAGE.text.splitlines()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize(
    "answers",
    [
        {"account": "another"},
        {"sender": "550 who are you"},
        {"truc@example.org": "550 nobody of this name"},
        {"data": "451 busy"},
    ],
    ids=lambda answers: min(answers),
)
def test_what_is_wrong_with_every_message_is_tried_again_so_that_no_alert_is_dropped(answers: dict[str, str]) -> None:
    with mail_server(Server(**answers)) as settings:
        url = settings.smtp_url.replace("//", "//hamrong@") if "account" in answers else settings.smtp_url
        changed = dataclasses.replace(settings, smtp_url=url, smtp_password=Secret("wrong"))
        with pytest.raises(TryAgainError, match="mail server"):
            Mail(changed).send(MESSAGE)


def test_what_is_wrong_with_this_message_is_not() -> None:
    with (
        mail_server(Server(data="554 a word that we do not like")) as settings,
        pytest.raises(RefusedError, match="554"),
    ):
        Mail(settings).send(MESSAGE)


def test_one_of_several_who_cannot_be_told_is_named(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(**{"an@example.org": "550 has left"})
    with mail_server(server) as settings:
        Mail(dataclasses.replace(settings, mail_to="an@example.org, lan@example.org")).send(MESSAGE)
    assert len(server.received) == 1
    assert "an@example.org" in caplog.text


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_password_is_not_said_where_tls_was_taken_out() -> None:
    server = Server(account="secret")
    with mail_server(server) as settings:
        url = settings.smtp_url.replace("//", "//hamrong@")
        changed = dataclasses.replace(settings, smtp_url=url, smtp_password=Secret("secret"))
        Mail(changed).send(MESSAGE)
        assert server.passwords == ["secret"]
        # On this machine nobody sits between; by any other name somebody may.
        elsewhere = dataclasses.replace(changed, smtp_url=url.replace("127.0.0.1", "127.1"))
        with pytest.raises(TryAgainError, match="no TLS"):
            Mail(elsewhere).send(MESSAGE)
    assert server.passwords == ["secret"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mail_to", "truc ban"),
        ("mail_to", "truc@example.org\nBcc: all@example.org"),
        ("mail_to", ","),
        ("mail_from", "hamrong"),
        ("mail_from", "trực@example.org"),
        ("smtp_url", "mail.example.org:25"),
        ("smtp_password", Secret("mật khẩu")),
        ("webhook_url", "chat.example.org/hooks/abc"),
        ("webhook_url", "ftp://chat.example.org/hooks/abc"),
    ],
)
def test_settings_with_which_nothing_could_go_out_are_said_at_the_start(name: str, value: Any) -> None:
    with pytest.raises(HamrongError, match=f"notify\\.{name}") as said:
        configured(dataclasses.replace(PLAIN, **{name: value}))
    assert "hooks/abc" not in str(said.value)
    assert "mật khẩu" not in str(said.value)


@pytest.mark.parametrize("status", [301, 302, 401, 403, 404, 407, 408, 429, 500, 503])
def test_a_webhook_that_takes_nothing_as_we_are_set_up_is_tried_again(status: int) -> None:
    with (
        web_server(status, Location="http://127.0.0.1:9/") as (settings, _),
        pytest.raises(TryAgainError, match=str(status)),
    ):
        Webhook(settings).send(MESSAGE)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_webhook_that_refuses_the_message_is_not(status: int) -> None:
    with web_server(status) as (settings, _), pytest.raises(RefusedError, match=str(status)):
        Webhook(settings).send(MESSAGE)


def test_nobody_is_listened_to_without_end() -> None:
    for status in (200, 400):
        with web_server(status, endless=True) as (settings, received):
            with pytest.raises(RefusedError) if status == 400 else contextlib.nullcontext() as refused:
                Webhook(settings).send(MESSAGE)
            assert len(received) == 1
            assert len(str(refused)) < 600


def test_a_body_says_when_it_was_sent_so_that_an_old_one_is_known() -> None:
    with web_server() as (settings, received):
        Webhook(settings).send(MESSAGE)
    assert received[0]["id"] == "id1"
    assert received[0]["sent_at"].endswith("Z")


@pytest.mark.parametrize(
    ("name", "value"), [("per_minute", 0), ("begin", "now"), ("severity", "urgent"), ("mail_to", "")]
)
def test_a_setting_that_would_never_send_ends_the_start(cfg: Config, name: str, value: Any) -> None:
    changed = dataclasses.replace(cfg, notify=dataclasses.replace(PLAIN, **{name: value}))
    with pytest.raises(HamrongError, match=f"notify\\.{name}"):
        serve(changed, threading.Event(), lambda _: None)

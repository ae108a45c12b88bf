"""channels: ways on which a message goes out.

In:   a `Message`
Out:  the message at its receiver, or why not
Docs: RFC 5321 (replies of 4xx and 5xx), RFC 9110 (408, 429, 5xx); HMAC: RFC 2104

Another way is another class with `name` and `send`.
"""

from __future__ import annotations

import hashlib
import hmac
import smtplib
import ssl
import urllib.parse
from email.message import EmailMessage
from typing import Protocol

import orjson
import urllib3

from hamrong.config import Notify
from hamrong.errors import HamrongError
from triage.notify.message import Message

TIMEOUT_SECONDS = 15.0


class TryAgainError(HamrongError):
    """The receiver is away or busy."""


class RefusedError(HamrongError):
    """The receiver will never take this message; said once, and the next one is tried."""


class Channel(Protocol):
    name: str

    def send(self, message: Message) -> None:
        """Raises TryAgainError or RefusedError."""


def configured(settings: Notify) -> list[Channel]:
    channels: list[Channel] = []
    if settings.webhook_url:
        channels.append(Webhook(settings))
    if settings.mail_to:
        channels.append(Mail(settings))
    return channels


class Webhook:
    """POST of JSON; with `webhook_secret` its HMAC-SHA256 is in `X-Hamrong-Signature`."""

    name = "webhook"

    def __init__(self, settings: Notify) -> None:
        self._settings = settings
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False)

    def send(self, message: Message) -> None:
        body = orjson.dumps({"id": message.identity, **message.payload})
        headers = {"Content-Type": "application/json", "User-Agent": "hamrong"}
        secret = self._settings.webhook_secret.reveal()
        if secret:
            digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Hamrong-Signature"] = f"sha256={digest}"
        try:
            answer = self._pool.request("POST", self._settings.webhook_url, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise TryAgainError(f"the webhook does not answer: {error}") from error
        if answer.status in (408, 429) or answer.status >= 500:
            raise TryAgainError(f"the webhook answers {answer.status}")
        if answer.status >= 300:
            raise RefusedError(f"the webhook answers {answer.status}: {answer.data[:200].decode('utf-8', 'replace')}")


class Mail:
    """An e-mail by SMTP: `smtp://` (STARTTLS when the server offers it), `smtps://` (TLS at once)."""

    name = "mail"

    def __init__(self, settings: Notify) -> None:
        self._settings = settings
        self._server = urllib.parse.urlsplit(settings.smtp_url)
        if self._server.scheme not in ("smtp", "smtps") or not self._server.hostname:
            raise HamrongError(f"notify.smtp_url is '{settings.smtp_url}'; write smtp://HOST:587 or smtps://HOST:465")

    def send(self, message: Message) -> None:
        letter = EmailMessage()
        letter["Subject"] = message.subject
        letter["From"] = self._settings.mail_from
        letter["To"] = self._settings.mail_to
        letter["Message-ID"] = f"<{message.identity}@{self._settings.mail_from.rpartition('@')[2] or 'hamrong'}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.text)
        try:
            with self._connected() as server:
                server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            kind = RefusedError if min(codes) >= 500 else TryAgainError
            raise kind(f"the mail server refuses {', '.join(error.recipients)}") from error
        except smtplib.SMTPResponseException as error:
            kind = RefusedError if error.smtp_code >= 500 else TryAgainError
            raise kind(f"the mail server answers {error.smtp_code}: {error.smtp_error!r}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise TryAgainError(f"the mail server does not answer: {error}") from error

    def _connected(self) -> smtplib.SMTP:
        host, port = str(self._server.hostname), self._server.port
        context = ssl.create_default_context(cafile=self._settings.smtp_ca_file or None)
        if self._server.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, port or 25, timeout=TIMEOUT_SECONDS)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
        if self._server.username:
            server.login(urllib.parse.unquote(self._server.username), self._settings.smtp_password.reveal())
        return server

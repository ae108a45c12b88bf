"""channels: ways on which a message goes out.

In:   a `Message`
Out:  the message at its receiver, or why not
Docs: RFC 5321 (replies of 4xx and 5xx), RFC 9110 (status codes), RFC 2104 (HMAC), RFC 3207 (STARTTLS)

Another way is another class with `name` and `send`.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import smtplib
import ssl
import urllib.parse
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Protocol

import orjson
import urllib3

from detectors.alert import iso
from hamrong.config import Notify
from hamrong.errors import HamrongError
from triage.notify.message import Message

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 15.0


class TryAgainError(HamrongError):
    """The receiver is away or busy, or takes nothing from us as we are set up: another message would fare no better."""


class RefusedError(HamrongError):
    """The receiver will never take this message; said once, and the next one is tried."""


class Channel(Protocol):
    name: str

    def send(self, message: Message) -> None:
        """Raises TryAgainError or RefusedError."""


def configured(settings: Notify) -> list[Channel]:
    """Raises HamrongError for a setting with which no message could ever go out."""
    channels: list[Channel] = []
    if settings.webhook_url:
        channels.append(Webhook(settings))
    if settings.mail_to:
        channels.append(Mail(settings))
    return channels


class Webhook:
    """POST of JSON; with `webhook_secret` its HMAC-SHA256 is in `X-Hamrong-Signature`."""

    name = "webhook"
    # What is wrong with these messages and no others: their form, their size, a word in them.
    REFUSING = frozenset({400, 406, 409, 413, 415, 422})

    def __init__(self, settings: Notify) -> None:
        parts = urllib.parse.urlsplit(settings.webhook_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            # The address itself may hold a token, so it is not repeated.
            raise HamrongError("notify.webhook_url is no address; write https://HOST/PATH")
        self._settings = settings
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False)

    def send(self, message: Message) -> None:
        # `sent_at` is under the signature too: an old request that is sent again can be known by it.
        body = orjson.dumps({"id": message.identity, "sent_at": iso(datetime.now(UTC)), **message.payload})
        headers = {"Content-Type": "application/json", "User-Agent": "hamrong"}
        secret = self._settings.webhook_secret.reveal()
        if secret:
            digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Hamrong-Signature"] = f"sha256={digest}"
        try:
            answer = self._pool.request(
                "POST", self._settings.webhook_url, body=body, headers=headers, preload_content=False
            )
            # Whatever it says after that, and for how long, is not waited for.
            said = answer.read(200).decode("utf-8", "replace") if answer.status in self.REFUSING else ""
            answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise TryAgainError(f"the webhook does not answer: {error}") from error
        if answer.status in self.REFUSING:
            raise RefusedError(f"the webhook answers {answer.status}: {said}")
        if answer.status >= 300:
            raise TryAgainError(f"the webhook answers {answer.status}")


class Mail:
    """An e-mail by SMTP: `smtp://` (STARTTLS when the server offers it), `smtps://` (TLS at once)."""

    name = "mail"

    def __init__(self, settings: Notify) -> None:
        self._settings = settings
        self._server = urllib.parse.urlsplit(settings.smtp_url)
        if self._server.scheme not in ("smtp", "smtps") or not self._server.hostname:
            raise HamrongError(f"notify.smtp_url is '{settings.smtp_url}'; write smtp://HOST:587 or smtps://HOST:465")
        if not settings.smtp_password.reveal().isascii():
            raise HamrongError("notify.smtp_password has other letters than ASCII's, which this log-in cannot carry")
        for name, value in (("mail_to", settings.mail_to), ("mail_from", settings.mail_from)):
            _check(name, value)

    def send(self, message: Message) -> None:
        letter = EmailMessage()
        letter["Subject"] = message.subject
        letter["From"] = self._settings.mail_from
        letter["To"] = self._settings.mail_to
        letter["Date"] = format_datetime(datetime.now(UTC))
        letter["Message-ID"] = f"<{message.identity}@{_domain(self._settings.mail_from)}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.text)
        try:
            with self._connected() as server:
                left_out = server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            raise TryAgainError(f"the mail server takes nothing for {', '.join(error.recipients)}") from error
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused) as error:
            raise TryAgainError(
                f"the mail server takes nothing from us: {error.smtp_code} {error.smtp_error!r}"
            ) from error
        except smtplib.SMTPResponseException as error:
            kind = RefusedError if error.smtp_code >= 500 else TryAgainError
            raise kind(f"the mail server answers {error.smtp_code}: {error.smtp_error!r}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise TryAgainError(f"the mail server does not answer: {error}") from error
        if left_out:
            log.error("mail: sent, but the server takes nothing for %s", ", ".join(left_out))

    def _connected(self) -> smtplib.SMTP:
        """Raises what smtplib raises, and TryAgainError rather than say the password where others can hear it."""
        host, port = str(self._server.hostname), self._server.port
        context = ssl.create_default_context(cafile=self._settings.smtp_ca_file or None)
        if self._server.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, port or 25, timeout=TIMEOUT_SECONDS)
        try:
            self._introduce(server, host, context)
        except BaseException:
            server.close()
            raise
        return server

    def _introduce(self, server: smtplib.SMTP, host: str, context: ssl.SSLContext) -> None:
        closed = self._server.scheme == "smtps"
        server.ehlo()
        if not closed and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
            closed = True
        if self._server.username:
            # Who sits between may take the offer of TLS out of the server's greeting.
            if not closed and host not in ("localhost", "127.0.0.1", "::1"):
                raise TryAgainError("the mail server offers no TLS, so it is not told the password; write smtps://")
            server.login(urllib.parse.unquote(self._server.username), self._settings.smtp_password.reveal())


def _check(name: str, value: str) -> None:
    """Raises HamrongError for what is no list of addresses."""
    try:
        addresses = EmailPolicy().header_factory("to", value).addresses
    except (ValueError, IndexError) as error:
        raise HamrongError(f"notify.{name} is '{value}': {error}; write name@example.org") from error
    if (
        not value.isprintable()
        or not addresses
        or not all(one.username and one.domain and one.addr_spec.isascii() for one in addresses)
    ):
        raise HamrongError(f"notify.{name} is '{value}'; write name@example.org, several divided by commas")


def _domain(mail_from: str) -> str:
    return str(EmailPolicy().header_factory("from", mail_from).addresses[0].domain)

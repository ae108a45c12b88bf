"""access: who is at the page, and what they may do.

In:   a name and a password; the session's cookie
Out:  a `Person`
Docs: OpenSearch Security, `_plugins/_security/authinfo`; OWASP session management and CSRF prevention cheat sheets

With `triage.log_in: opensearch` the accounts and roles are OpenSearch's own and the password is asked of it once; it is
kept nowhere. With `local` whoever reaches the page is an analyst, so the page listens on loopback only.

A session ends after `triage.session_hours`, after `triage.session_idle_minutes` without a page that a person asked for,
and when that person leaves. It is a signed cookie, so what was left is remembered here: a copy of the cookie opens
nothing any more.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import urllib3
from starlette.requests import Request

from hamrong.config import Config, Secret
from hamrong.credentials import basic
from hamrong.errors import ServiceError
from triage.web.tries import Tries
from triage.words import SpokenError

ANALYST, VIEWER = "analyst", "viewer"
ROLES = {"soc_analyst": ANALYST, "soc_engineer": ANALYST, "all_access": ANALYST, "soc_viewer": VIEWER}
"""What OpenSearch's roles are here; the first of these that a person has counts."""
MAX_NAME = 128
LEFT_KEPT = 10_000
"""Sessions that were left before their time."""


class NotLoggedInError(SpokenError):
    """Leads to the log-in page."""


class TooManyTriesError(SpokenError):
    """Nobody was asked whether the password is right."""

    def __init__(self, seconds: float) -> None:
        self.seconds = int(seconds) + 1
        minutes = -(-self.seconds // 60)
        super().__init__(
            f"đã thử đăng nhập quá nhiều lần; hãy thử lại sau {minutes} phút",
            f"there were too many tries to log in; try again in {minutes} min",
        )


class ForbiddenError(SpokenError):
    """A change by one who may only look, or a form that did not come from our own page."""


@dataclass(frozen=True)
class Person:
    name: str
    role: str
    csrf: str

    @property
    def may_change(self) -> bool:
        return self.role == ANALYST


def by_script(request: Request) -> bool:
    """Whether the page renews what it shows, and nobody asked for it."""
    return request.headers.get("sec-fetch-dest") == "empty"


class Access:
    """The sessions of one process."""

    def __init__(self, cfg: Config, clock: Callable[[], float] = time.time) -> None:
        self._cfg = cfg
        self._clock = clock
        self._tries = Tries()
        self._left: OrderedDict[str, None] = OrderedDict()

    def log_in(self, request: Request, name: str, password: str) -> Person:
        """A new session. Raises NotLoggedInError or TooManyTriesError, ServiceError when OpenSearch is away."""
        name = name.strip()
        # A colon would be read as the end of the name: somebody else's session under a name of one's choice.
        if not name or len(name) > MAX_NAME or not name.isprintable() or ":" in name:
            raise NotLoggedInError("hãy viết tên tài khoản", "write your account's name")
        if self._cfg.triage.log_in == "local":
            return self._begin(request, name, ANALYST)
        address = request.client.host if request.client else ""
        wait = self._tries.begin(name, address)
        if wait:
            raise TooManyTriesError(wait)
        try:
            role = _role(name, password, self._cfg)
        except ServiceError:
            self._tries.undo(name, address)
            raise
        self._tries.succeeded(name, address)
        return self._begin(request, name, role)

    def _begin(self, request: Request, name: str, role: str) -> Person:
        # A new session for each log-in, so that nobody can plant one.
        self.leave(request)
        now = int(self._clock())
        token, identity = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        request.session.update(name=name, role=role, csrf=token, id=identity, since=now, used=now)
        return _person(request)

    def leave(self, request: Request) -> None:
        identity = request.session.get("id")
        if identity:
            self._left[identity] = None
            if len(self._left) > LEFT_KEPT:
                self._left.popitem(last=False)
        request.session.clear()

    def person(self, request: Request) -> Person:
        """Raises NotLoggedInError."""
        if self._lasts(request.session):
            # What is fetched so keeps nobody's session alive.
            if not by_script(request):
                request.session["used"] = int(self._clock())
            return _person(request)
        if self._cfg.triage.log_in == "local":
            return self.log_in(request, "demo", "")
        raise NotLoggedInError("hãy đăng nhập", "log in first")

    def _lasts(self, session: dict[str, Any]) -> bool:
        if session.get("id") is None or session["id"] in self._left:
            return False
        now, triage = self._clock(), self._cfg.triage
        return bool(
            now - session["since"] < triage.session_hours * 3600
            and now - session["used"] < triage.session_idle_minutes * 60
        )

    def changing(self, request: Request, token: str) -> Person:
        """The person, if they may change alerts and the form is of their own page. Raises ForbiddenError."""
        who = self.person(request)
        if not hmac.compare_digest(token.encode(), who.csrf.encode()):
            raise ForbiddenError(
                "biểu mẫu không thuộc phiên này; hãy tải lại trang rồi thử lại",
                "the form is not from this session; reload the page and try again",
            )
        if not who.may_change:
            raise ForbiddenError(
                f"{who.name} chỉ được xem; hãy xin vai trò soc_analyst",
                f"{who.name} may look but not change; ask for the role soc_analyst",
            )
        return who


def _person(request: Request) -> Person:
    return Person(request.session["name"], request.session["role"], request.session["csrf"])


def _role(name: str, password: str, cfg: Config) -> str:
    settings = cfg.opensearch
    pool = urllib3.PoolManager(ca_certs=settings.ca_file or None, timeout=settings.timeout_seconds, retries=False)
    headers = basic(name, Secret(password))
    try:
        answer = pool.request("GET", f"{settings.url}/_plugins/_security/authinfo", headers=headers)
    except urllib3.exceptions.HTTPError as error:
        raise ServiceError(f"OpenSearch at {settings.url} does not answer: {error}") from error
    if answer.status == 401:
        raise NotLoggedInError("tên hoặc mật khẩu không đúng", "the name or the password is wrong")
    if answer.status in (400, 404):
        raise ServiceError(f"OpenSearch at {settings.url} has no security plugin to ask ({answer.status})")
    if answer.status != 200:
        # 503: its security is not initialised yet.
        raise ServiceError(f"OpenSearch at {settings.url} answers {answer.status} when asked who this is; try again")
    held = set(answer.json().get("roles") or ())
    for role, here in ROLES.items():
        if role in held:
            return here
    roles = ", ".join(ROLES)
    raise NotLoggedInError(
        f"tài khoản không có vai trò nào trong {roles}", f"the account has none of the roles {roles}"
    )

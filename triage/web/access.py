"""access: who is at the page, and what they may do.

In:   a name and a password; the session's cookie
Out:  a `Person`
Docs: OpenSearch Security, `_plugins/_security/authinfo`; OWASP session management and CSRF prevention cheat sheets

With `triage.log_in: opensearch` the accounts and roles are OpenSearch's own and the password is asked of it once; it is
kept nowhere. With `local` whoever reaches the page is an analyst, so the page listens on loopback only.
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass

import urllib3
from starlette.requests import Request

from hamrong.config import Config
from hamrong.errors import HamrongError, ServiceError

ANALYST, VIEWER = "analyst", "viewer"
ROLES = {"soc_analyst": ANALYST, "soc_engineer": ANALYST, "all_access": ANALYST, "soc_viewer": VIEWER}
"""What OpenSearch's roles are here; the first of these that a person has counts."""
MAX_NAME = 128


class NotLoggedInError(HamrongError):
    """Leads to the log-in page."""


class ForbiddenError(HamrongError):
    """A change by one who may only look, or a form that did not come from our own page."""


@dataclass(frozen=True)
class Person:
    name: str
    role: str
    csrf: str

    @property
    def may_change(self) -> bool:
        return self.role == ANALYST


def log_in(request: Request, name: str, password: str, cfg: Config) -> Person:
    """A new session. Raises NotLoggedInError with the sentence to show, ServiceError when OpenSearch is away."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise NotLoggedInError("write your account's name")
    role = ANALYST if cfg.triage.log_in == "local" else _role(name, password, cfg)
    # A new session for each log-in, so that nobody can plant one.
    request.session.clear()
    request.session.update(name=name, role=role, csrf=secrets.token_urlsafe(32), since=int(time.time()))
    return _person(request)


def person(request: Request, cfg: Config) -> Person:
    """Raises NotLoggedInError."""
    session = request.session
    if "name" in session and time.time() - session.get("since", 0) < cfg.triage.session_hours * 3600:
        return _person(request)
    if cfg.triage.log_in == "local":
        return log_in(request, "demo", "", cfg)
    raise NotLoggedInError("log in first")


def _person(request: Request) -> Person:
    return Person(request.session["name"], request.session["role"], request.session["csrf"])


def changing(request: Request, token: str, cfg: Config) -> Person:
    """The person, if they may change alerts and the form is of their own page. Raises ForbiddenError."""
    who = person(request, cfg)
    if not hmac.compare_digest(token.encode(), who.csrf.encode()):
        raise ForbiddenError("the form is not from this session; reload the page and try again")
    if not who.may_change:
        raise ForbiddenError(f"{who.name} may look but not change; ask for the role soc_analyst")
    return who


def _role(name: str, password: str, cfg: Config) -> str:
    settings = cfg.opensearch
    pool = urllib3.PoolManager(ca_certs=settings.ca_file or None, timeout=settings.timeout_seconds, retries=False)
    headers = urllib3.make_headers(basic_auth=f"{name}:{password}")
    try:
        answer = pool.request("GET", f"{settings.url}/_plugins/_security/authinfo", headers=headers)
    except urllib3.exceptions.HTTPError as error:
        raise ServiceError(f"OpenSearch at {settings.url} does not answer: {error}") from error
    if answer.status == 401:
        raise NotLoggedInError("the name or the password is wrong")
    if answer.status != 200:
        raise ServiceError(f"OpenSearch at {settings.url} has no security plugin to ask ({answer.status})")
    held = set(answer.json().get("roles") or ())
    for role, here in ROLES.items():
        if role in held:
            return here
    raise NotLoggedInError(f"the account has none of the roles {', '.join(ROLES)}")

"""app: the addresses of the pages and what guards them.

In:   the configuration
Out:  an ASGI application
Docs: Starlette; OWASP session management cheat sheet

    GET  /soc/queue                     what waits, the worst first
    POST /soc/queue                     acknowledge or close many
    GET  /soc/alert/ID                  one alert: why, what, who
    POST /soc/alert/ID                  change it
    POST /soc/alert/ID/exception        write a Sigma filter for review
    GET  /soc/entity/TYPE/VALUE         all that is known of an address, an account, a host
    GET  /soc/rules                     rules with their volume and false positives
    GET|POST /soc/log-in, POST /soc/log-out
"""

from __future__ import annotations

import secrets
import urllib.parse
from collections.abc import Awaitable, Callable
from pathlib import Path

from opensearchpy import OpenSearchException
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hamrong.config import Config
from hamrong.errors import HamrongError, ServiceError
from triage import store
from triage.desk import UnknownAlertError
from triage.life import RefusedChangeError
from triage.web import alert_page, entity_page, log_in_page, queue_page, rules_page
from triage.web.access import ForbiddenError, NotLoggedInError
from triage.web.guard import LOOPBACK, guard
from triage.web.office import Office
from triage.web.render import page

STATIC = Path(__file__).parent / "static"


def build(cfg: Config) -> Starlette:
    """Raises HamrongError when the settings would let in anybody."""
    if cfg.triage.log_in not in ("local", "opensearch"):
        raise HamrongError(f"triage.log_in is '{cfg.triage.log_in}'; write local or opensearch")
    if cfg.triage.log_in == "local" and cfg.triage.host not in LOOPBACK:
        raise HamrongError(
            f"triage.host is {cfg.triage.host} and triage.log_in is local, so that anybody could change alerts; "
            "write log_in: opensearch, or host: 127.0.0.1"
        )
    client = store.client(cfg.opensearch)
    office = Office(cfg, client)
    app = Starlette(
        routes=[
            Route("/", _to_queue),
            Route("/soc", _to_queue),
            Route("/soc/queue", queue_page.show, methods=["GET"]),
            Route("/soc/queue", queue_page.change, methods=["POST"]),
            Route("/soc/alert/{identity}", alert_page.show, methods=["GET"]),
            Route("/soc/alert/{identity}", alert_page.change, methods=["POST"]),
            Route("/soc/alert/{identity}/exception", alert_page.make_exception, methods=["POST"]),
            Route("/soc/entity/{kind}/{value:path}", entity_page.show, methods=["GET"]),
            Route("/soc/rules", rules_page.show, methods=["GET"]),
            Route("/soc/log-in", log_in_page.show, methods=["GET"]),
            Route("/soc/log-in", log_in_page.enter, methods=["POST"]),
            Route("/soc/log-out", log_in_page.leave, methods=["POST"]),
            Mount("/soc/static", StaticFiles(directory=STATIC), name="static"),
        ],
        middleware=[
            Middleware(BaseHTTPMiddleware, dispatch=guard(cfg, refuse)),
            Middleware(
                SessionMiddleware,
                # Without a secret of their own the sessions end when the process does.
                secret_key=cfg.triage.secret.reveal() or secrets.token_urlsafe(32),
                # By its prefix a browser takes it from this very name only, and not from one beside it.
                session_cookie="__Host-hamrong" if cfg.triage.https else "hamrong",
                max_age=int(cfg.triage.session_hours * 3600),
                path="/",
                # Not strict: the link in a message leads to the alert, not to the log-in. No GET changes anything.
                same_site="lax",
                https_only=cfg.triage.https,
            ),
        ],
        exception_handlers={
            NotLoggedInError: _to_log_in,
            ForbiddenError: _error(403),
            UnknownAlertError: _error(404),
            RefusedChangeError: _error(422),
            ServiceError: _error(503),
            OpenSearchException: _error(503),
            HamrongError: _error(500),
            404: _error(404),
            405: _error(405),
        },
    )
    app.state.office = office
    return app


async def _to_queue(request: Request) -> Response:
    return RedirectResponse("/soc/queue", 303)


async def _to_log_in(request: Request, error: Exception) -> Response:
    """And from there back to where the person was going."""
    wanted = request.url.path.removesuffix("/exception")
    if request.method == "GET" and request.url.query:
        wanted += f"?{request.url.query}"
    return RedirectResponse(f"/soc/log-in?{urllib.parse.urlencode({'next': wanted})}", 303)


def refuse(request: Request, status: int, error: Exception) -> Response:
    said = "" if status in (404, 405) and not isinstance(error, HamrongError) else error
    return page(request, "error.html", None, status, status=status, said=said)


def _error(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        return refuse(request, status, error)

    return answer

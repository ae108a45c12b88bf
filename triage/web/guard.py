"""guard: what every request must be like, and what every answer says to the browser.

In:   the configuration
Out:  a middleware
Docs: CSP level 3; Fetch Metadata; OWASP secure headers, CSRF prevention cheat sheet, DNS rebinding

Without log-in the only protection is that the pages listen on loopback. A web site that makes its own name lead there
would reach them through the analyst's browser, so they answer to this machine's names only.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from hamrong.config import Config
from triage.words import SpokenError

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
LOOPBACK = ("127.0.0.1", "::1", "localhost")
MAX_BYTES = 1 << 20
"""Of a form; the longest comment has 50,000 when every character of it is written as escapes."""

Next = Callable[[Request], Awaitable[Response]]
Refuse = Callable[[Request, int, SpokenError], Response]


def guard(cfg: Config, refuse: Refuse) -> Callable[[Request, Next], Awaitable[Response]]:
    """`refuse` makes the page that says why."""
    names = _names(cfg)

    async def dispatch(request: Request, call_next: Next) -> Response:
        fault = _fault(request, names)
        answer = refuse(request, *fault) if fault else await call_next(request)
        answer.headers.update(HEADERS)
        if not request.url.path.startswith("/soc/static"):
            answer.headers["Cache-Control"] = "no-store"
        return answer

    return dispatch


def _names(cfg: Config) -> frozenset[str]:
    """By which the pages may be called; empty: by any, since a session is needed."""
    if cfg.triage.log_in != "local":
        return frozenset()
    links = (cfg.triage.dashboards_url, cfg.notify.pages_url)
    return frozenset([*LOOPBACK, *(name for link in links if (name := urllib.parse.urlsplit(link).hostname))])


def _fault(request: Request, names: frozenset[str]) -> tuple[int, SpokenError] | None:
    name = _host(request.headers.get("host", ""))
    if names and name not in names:
        return 421, SpokenError(
            f"không đăng nhập thì chỉ dùng được tại {', '.join(sorted(names))}, không phải {name[:80]}",
            f"without log-in the pages are at {', '.join(sorted(names))} only, not at {name[:80]}",
        )
    if request.method != "POST":
        return None
    # Browsers say from where a form comes; what sends no such header is no browser, and has no session of a person.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return 403, SpokenError("biểu mẫu đến từ trang khác", "the form comes from another site")
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        return 411, SpokenError("yêu cầu không ghi độ dài", "the request does not say how long it is")
    if int(length) > MAX_BYTES:
        return 413, SpokenError(
            f"biểu mẫu dài {length[:20]} byte; nhiều nhất {MAX_BYTES}",
            f"the form has {length[:20]} bytes; at most {MAX_BYTES} are taken",
        )
    return None


def _host(header: str) -> str:
    """Without the port; "" for what names none."""
    try:
        return urllib.parse.urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""

"""log_in_page: a session begins and ends."""

from __future__ import annotations

import hmac

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage.web import access
from triage.web.office import of
from triage.web.render import page
from triage.words import SpokenError

QUEUE = "/soc/queue"


def show(request: Request) -> Response:
    return _form(request, request.query_params.get("next", ""))


def _form(
    request: Request, wanted: str, status: int = 200, error: SpokenError | None = None, name: str = ""
) -> Response:
    local = of(request).cfg.triage.log_in == "local"
    values = {"said": error or "", "local": local, "wanted": _own(wanted), "name": name}
    return page(request, "log_in.html", None, status, **values)


def _own(wanted: str) -> str:
    """A page of ours, else the queue: nobody is led elsewhere by a link to the log-in."""
    return wanted if wanted.startswith("/soc/") and wanted.isprintable() and "\\" not in wanted else QUEUE


async def enter(request: Request) -> Response:
    form = await request.form()
    return await run_in_threadpool(_enter, request, form)


def _enter(request: Request, form: FormData) -> Response:
    office = of(request)
    name, wanted = str(form.get("name", ""))[: access.MAX_NAME], str(form.get("next", ""))
    try:
        who = office.access.log_in(request, str(form.get("name", "")), str(form.get("password", "")))
    except access.TooManyTriesError as error:
        # Not on record each time: whoever tries without end would fill the disk.
        answer = _form(request, wanted, 429, error, name)
        answer.headers["Retry-After"] = str(error.seconds)
        return answer
    except access.NotLoggedInError as error:
        office.record(request, name or "-", "log-in", str(error), outcome="failure")
        return _form(request, wanted, 401, error, name)
    office.record(request, who.name, "log-in")
    return RedirectResponse(_own(wanted), 303)


async def leave(request: Request) -> Response:
    form = await request.form()
    return await run_in_threadpool(_leave, request, str(form.get("csrf", "")))


def _leave(request: Request, token: str) -> Response:
    office = of(request)
    who = office.person(request)
    if hmac.compare_digest(token.encode(), who.csrf.encode()):
        office.record(request, who.name, "log-out")
        office.access.leave(request)
    return RedirectResponse("/soc/log-in", 303)

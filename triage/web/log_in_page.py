"""log_in_page: a session begins and ends."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage.web import access
from triage.web.office import of
from triage.web.render import page


def show(request: Request) -> Response:
    return _form(request, "", 200)


def _form(request: Request, sentence: str, status: int) -> Response:
    cfg = of(request).cfg
    return page(
        request,
        "log_in.html",
        None,
        status,
        sentence=sentence,
        local=cfg.triage.log_in == "local",
    )


async def enter(request: Request) -> Response:
    form = await request.form()
    return await run_in_threadpool(_enter, request, str(form.get("name", "")), str(form.get("password", "")))


def _enter(request: Request, name: str, password: str) -> Response:
    office = of(request)
    try:
        who = access.log_in(request, name, password, office.cfg)
    except access.NotLoggedInError as error:
        office.record(request, name[: access.MAX_NAME] or "-", "log-in", str(error), outcome="failure")
        return _form(request, str(error), 401)
    office.record(request, who.name, "log-in")
    return RedirectResponse("/soc/queue", 303)


async def leave(request: Request) -> Response:
    form = await request.form()
    return await run_in_threadpool(_leave, request, str(form.get("csrf", "")))


def _leave(request: Request, token: str) -> Response:
    office = of(request)
    who = office.person(request)
    if token == who.csrf:
        office.record(request, who.name, "log-out")
        request.session.clear()
    return RedirectResponse("/soc/log-in", 303)

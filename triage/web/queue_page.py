"""queue_page: what waits, and the same change of many alerts at once."""

from __future__ import annotations

import math
import urllib.parse
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hamrong.errors import HamrongError
from triage import queue
from triage.life import VERDICTS, Change, revision
from triage.web.access import by_script
from triage.web.office import of
from triage.web.render import page

MOST = 200
"""Alerts of one change of many."""
PLAIN = vars(queue.Query())


def show(request: Request) -> Response:
    return _show(request, [])


def _show(request: Request, refused: list[tuple[str, HamrongError]], changed: int = 0, status: int = 200) -> Response:
    office = of(request)
    who = office.person(request)
    wanted = query_of(request.query_params)
    if not by_script(request):
        office.record(request, who.name, "queue-view", request.url.query)
    found = queue.read(office.client, office.alias, wanted, who.name)
    return page(
        request,
        "queue.html",
        who,
        status,
        query=wanted,
        found=found,
        counts=office.counter.count(wanted.view, who.name),
        views=queue.VIEWS,
        sorts=list(queue.SORTS),
        pages=min(max(1, math.ceil(found.total / queue.PAGE)), queue.DEEPEST // queue.PAGE),
        address=lambda **other: address(wanted, **other),
        revision=revision,
        verdicts=VERDICTS,
        refused=refused,
        changed=changed,
        refresh_seconds=office.cfg.triage.refresh_seconds,
    )


def query_of(parameters: QueryParams) -> queue.Query:
    """What is not understood is left out."""
    given = {name: parameters[name][:200] for name in PLAIN if name in parameters and name != "page"}
    number = parameters.get("page", "1")
    wanted = queue.Query(**given, page=int(number) if number.isascii() and number.isdigit() else 1)
    if wanted.view not in queue.VIEWS:
        wanted = replace(wanted, view="waiting")
    return wanted if wanted.sort in queue.SORTS else replace(wanted, sort="risk")


def address(wanted: queue.Query, **other: str | int) -> str:
    """The queue's address with these values instead; from the first page, unless one is named."""
    values = {**vars(wanted), "page": 1, **other}
    kept = {name: value for name, value in values.items() if value != PLAIN[name]}
    return "/soc/queue" + (f"?{urllib.parse.urlencode(kept)}" if kept else "")


async def change(request: Request) -> Response:
    form = await request.form()
    return await run_in_threadpool(_change, request, form)


def _change(request: Request, form: FormData) -> Response:
    office = of(request)
    who = office.changing(request, str(form.get("csrf", "")))
    wanted = Change(str(form.get("action", "")), str(form.get("value", "")), str(form.get("note", "")))
    refused: list[tuple[str, HamrongError]] = []
    changed = 0
    for chosen in form.getlist("alert")[:MOST]:
        identity, _, seen = str(chosen).partition(":")
        try:
            office.desk.change(identity, wanted, who.name, int(seen) if seen.isdigit() else -1)
        except HamrongError as error:
            refused.append((identity, error))
            continue
        office.record(request, who.name, f"alert-{wanted.action}", wanted.value, soc__alert__id=identity)
        changed += 1
    office.counter.forget()
    if refused:
        return _show(request, refused, changed, 409)
    return RedirectResponse(address(query_of(request.query_params)), 303)

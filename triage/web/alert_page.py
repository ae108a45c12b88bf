"""alert_page: one alert: what it says, why it was raised, who has done what, and the buttons.

In:   an alert's id
Out:  the page; changes under the revision that the page showed
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage import exceptions, related
from triage.desk import ChangedMeanwhileError, Stored
from triage.life import VERDICTS, Change, possible, revision
from triage.web import reasons
from triage.web.access import Person
from triage.web.office import Office, of
from triage.web.render import page, segment

EXCEPTION_DAYS = 90


def show(request: Request) -> Response:
    office = of(request)
    who = office.person(request)
    stored = office.desk.read(request.path_params["identity"])
    office.record(
        request,
        who.name,
        "alert-view",
        soc__alert__id=stored.alert["id"],
        soc__alert__entity__value=stored.alert["entity"]["value"],
    )
    return _page(request, office, who, stored)


def _page(
    request: Request,
    office: Office,
    who: Person,
    stored: Stored,
    status: int = 200,
    meanwhile: ChangedMeanwhileError | None = None,
    written: exceptions.Written | None = None,
) -> Response:
    alert = stored.alert
    entity = alert["entity"]
    with office.lock:
        why = reasons.of(office.ruleset, stored.source)
    events = [reasons.event(sample, why) for sample in alert.get("evidence") or ()]
    return page(
        request,
        "alert.html",
        who,
        status,
        source=stored.source,
        alert=alert,
        revision=revision(alert),
        possible=possible(alert),
        verdicts=VERDICTS,
        why=why,
        events=events,
        near=related.around(office.client, office.alias, entity["type"], entity["value"], alert["last_seen"]),
        successors=related.successors(office.client, office.alias, alert["id"]),
        meanwhile=meanwhile,
        written=written,
        expires=(date.today() + timedelta(days=EXCEPTION_DAYS)).isoformat(),  # noqa: DTZ011 (a proposal in a form)
        discover=_discover(office, alert),
    )


def _discover(office: Office, alert: dict[str, Any]) -> str:
    """All alerts of this entity in OpenSearch Dashboards, an hour before to an hour after."""
    if not office.cfg.triage.dashboards_url:
        return ""
    query = f'soc.alert.entity.value:"{alert["entity"]["value"]}"'.replace("'", "!'")
    time = f"(from:'{alert['first_seen']}',to:'{alert['last_seen']}')"
    return (
        f"{office.cfg.triage.dashboards_url}/app/data-explorer/discover#?_g=(time:{time})"
        f"&_q=(query:(language:lucene,query:'{segment(query)}'))&_a=(metadata:(indexPattern:soc-alerts))"
    )


async def change(request: Request) -> Response:
    form = await request.form()
    return await run_in_threadpool(_change, request, form)


def _change(request: Request, form: FormData) -> Response:
    office = of(request)
    who = office.changing(request, str(form.get("csrf", "")))
    identity = request.path_params["identity"]
    wanted = Change(str(form.get("action", "")), str(form.get("value", "")), str(form.get("note", "")))
    if wanted.action == "assign" and form.get("me"):
        wanted = Change("assign", who.name, wanted.note)
    seen = str(form.get("revision", ""))
    try:
        office.desk.change(identity, wanted, who.name, int(seen) if seen.isdigit() else -1)
    except ChangedMeanwhileError as error:
        return _page(request, office, who, error.stored, 409, meanwhile=error)
    office.record(request, who.name, f"alert-{wanted.action}", wanted.value, soc__alert__id=identity)
    return RedirectResponse(f"/soc/alert/{segment(identity)}", 303)


async def make_exception(request: Request) -> Response:
    form = await request.form()
    return await run_in_threadpool(_make_exception, request, form)


def _make_exception(request: Request, form: FormData) -> Response:
    office = of(request)
    who = office.changing(request, str(form.get("csrf", "")))
    stored = office.desk.read(request.path_params["identity"])
    chosen = [str(value).partition("=") for value in form.getlist("field")]
    wanted = exceptions.Wanted(
        author=who.name,
        reason=str(form.get("reason", "")),
        expires=str(form.get("expires", "")),
        fields={name: value for name, _, value in chosen if value},
    )
    with office.lock:
        written = exceptions.write(office.ruleset, stored.source, wanted, office.cfg.triage.review_folder)
    office.record(request, who.name, "exception-propose", str(written.path.name), soc__alert__id=stored.alert["id"])
    return _page(request, office, who, stored, 201, written=written)

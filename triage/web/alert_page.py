"""alert_page: one alert: what it says, why it was raised, who has done what, and the buttons.

In:   an alert's id, and the queue that the analyst came from
Out:  the page; changes under the revision that the page showed
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from detectors.alert import ASSET_SHARE, CONFIDENCE, LEVEL_POINTS, risk_score
from detectors.sigma.attack import technique_name
from hamrong import zone
from triage import exceptions, neighbours, related
from triage.desk import ChangedMeanwhileError, Stored
from triage.life import VERDICTS, Change, possible, revision, state
from triage.web import dashboards_link, reasons, timeline
from triage.web.access import Person
from triage.web.office import Office, of
from triage.web.queue_page import address, query_of
from triage.web.render import page, say, segment

EXCEPTION_DAYS = 90
QUEUE = "/soc/queue"


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
    source, alert = stored.source, stored.alert
    entity = alert["entity"]
    with office.lock:
        why = reasons.of(office.ruleset, source, say(request))
    near = related.around(office.client, office.alias, entity["type"], entity["value"], alert["last_seen"])
    if all(one["soc"]["alert"]["id"] != alert["id"] for one in near):
        near.append(source)
    queue = _queue(request)
    wanted = query_of(QueryParams(queue))
    return page(
        request,
        "alert.html",
        who,
        status,
        source=source,
        alert=alert,
        revision=revision(alert),
        possible=possible(alert),
        techniques=techniques(source),
        verdicts=VERDICTS,
        why=why,
        candidates=_candidates(why, entity["type"]),
        risk=_risk(alert),
        due=list(_due(alert, datetime.now(UTC))),
        others=list(_others(source)),
        near=near,
        near_is_cut=len(near) >= related.MOST,
        drawing=timeline.of_alerts([one["soc"]["alert"] for one in near], alert["id"]),
        successors=related.successors(office.client, office.alias, alert["id"]),
        meanwhile=meanwhile,
        written=written,
        expires=(zone.today() + timedelta(days=EXCEPTION_DAYS)).isoformat(),
        discover=dashboards_link.of_alert(office.cfg.triage.dashboards_url, alert),
        back=address(wanted, page=wanted.page),
        neighbours=neighbours.of(office.client, office.alias, wanted, who.name, alert),
        # Links to neighbours and the forms carry on from which queue one came.
        trail=f"?{urllib.parse.urlencode({'queue': queue})}" if queue else "",
    )


def _queue(request: Request) -> str:
    """The query of the queue that the analyst came from: said by our own links, else by the browser."""
    if "queue" in request.query_params:
        return request.query_params["queue"]
    came = urllib.parse.urlsplit(request.headers.get("referer", ""))
    return came.query if came.path == QUEUE else ""


def techniques(source: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Id and name of each; not of one whose sub-technique is there too."""
    technique = source.get("threat", {}).get("technique", {})
    ids = [*technique.get("id", ()), *technique.get("subtechnique", {}).get("id", ())]
    return [(one, technique_name(one)) for one in ids if not any(other.startswith(f"{one}.") for other in ids)]


@dataclass(frozen=True)
class Risk:
    """What the score is made of (`detectors.alert`)."""

    points: int
    asset_level: int
    asset_share: float
    confidence: float


def _risk(alert: Mapping[str, Any]) -> Risk | None:
    """None when the tables have changed since."""
    level, asset = alert["severity"], int(alert.get("asset_level") or 3)
    for status, confidence in CONFIDENCE.items():
        if level in LEVEL_POINTS and asset in ASSET_SHARE and risk_score(level, asset, status) == alert["risk_score"]:
            return Risk(LEVEL_POINTS[level], asset, ASSET_SHARE[asset], confidence)
    return None


def _due(alert: Mapping[str, Any], now: datetime) -> Iterator[tuple[int, str, bool]]:
    """Hours, until when, and whether that has passed while nobody closed it."""
    for hours in (24, 72):
        until = alert.get(f"due_{hours}h")
        if until:
            yield hours, until, state(alert) != "closed" and datetime.fromisoformat(until) < now


def _others(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Whom else the events name."""
    known = source.get("related", {})
    for kind, name in (("source.ip", "ip"), ("user.name", "user"), ("host.name", "hosts")):
        for value in known.get(name, ())[:10]:
            if value != source["soc"]["alert"]["entity"]["value"]:
                yield kind, value


def _candidates(why: reasons.Why, entity: str) -> tuple[list[reasons.Row], list[reasons.Row]]:
    """What an exception may rest on: the entity and what made the rule hold, then the other fields."""
    rows = [row for row in (why.events[0].rows if why.events else ()) if exceptions.may_rest_on(row.name, row.value)]
    rows = sorted((row for row in rows if row.has_one), key=lambda row: row.name != entity)
    first = [row for row in rows if row.name == entity or row.held]
    return first, [row for row in rows if row not in first]


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
    office.counter.forget()
    trail = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/soc/alert/{segment(identity)}{trail}", 303)


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

"""entity_page: all that the alerts say of one address, account or host."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hamrong import zone
from triage import related
from triage.web import timeline
from triage.web.office import of
from triage.web.render import page


def show(request: Request) -> Response:
    office = of(request)
    who = office.person(request)
    kind, value = request.path_params["kind"], request.path_params["value"]
    office.record(request, who.name, "entity-view", soc__alert__entity__type=kind, soc__alert__entity__value=value)
    found = related.known(office.client, office.alias, kind, value)
    return page(
        request,
        "entity.html",
        who,
        200 if found.total else 404,
        kind=kind,
        value=value,
        known=found,
        drawing=timeline.of_days(found.days, zone.today()),
    )

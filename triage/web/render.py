"""render: a page from a template, in the reader's language.

In:   the request, a template's name and what it shows
Out:  HTML in which every value is escaped
Docs: Jinja autoescaping; WCAG 2.2 AA
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import jinja2
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from detectors.sigma.explain import Say
from hamrong.zone import ZONE
from triage import words
from triage.web import timeline
from triage.web.access import Person
from triage.web.office import of

LANGUAGES = ("vi", "en")


@dataclass(frozen=True)
class Shown:
    """What every page has."""

    language: str
    person: Person | None
    dashboards_url: str

    def pick(self, vi: str, en: str) -> str:
        return en if self.language == "en" else vi


def language(request: Request) -> str:
    wanted = request.query_params.get("lang") or request.cookies.get("lang")
    return wanted if wanted in LANGUAGES else "vi"


def page(request: Request, template: str, who: Person | None, status: int = 200, /, **values: Any) -> HTMLResponse:
    office = of(request)
    shown = Shown(language(request), who, office.cfg.triage.dashboards_url)
    text = (
        environment()
        .get_template(template)
        .render(
            **values,
            shown=shown,
            who=who,
            lang=shown.language,
            here=str(request.url.path),
            words=words,
            t=shown.pick,
            word=_word(shown),
            system=_system(shown, office.systems),
            ago=_ago(shown),
            tell=_tell(shown),
            decimal=lambda value: f"{value:g}".replace(".", shown.pick(",", ".")),
            switched=_switched(request),
        )
    )
    answer = HTMLResponse(text, status)
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie("lang", shown.language, max_age=365 * 86_400, samesite="strict", path="/soc")
    return answer


@lru_cache
def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("triage.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        # Documents lack what nobody wrote yet (a verdict, a tag).
        undefined=jinja2.ChainableUndefined,
    )
    made.filters["clock"] = clock
    made.filters["number"] = number
    made.filters["segment"] = segment
    made.globals["timeline"] = timeline
    return made


def moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def clock(value: Any) -> str:
    """`24/11/2026 15:04:05` in Viet Nam; what is no time stays as it is."""
    read = moment(value) if value else None
    return f"{read.astimezone(ZONE):%d/%m/%Y %H:%M:%S}" if read else str(value or "–")


def number(value: Any) -> str:
    """With a narrow space between thousands, in both languages."""
    return f"{int(value or 0):,}".replace(",", "\u202f")


def say(request: Request) -> Say:
    """The phrases of an explanation in the reader's language."""
    at = LANGUAGES.index(language(request))
    return lambda phrase: words.of(words.CONDITION, phrase)[at]


def segment(value: Any) -> str:
    """For one part of an address."""
    return urllib.parse.quote(str(value), safe="")


def _word(shown: Shown) -> Callable[[dict[str, words.Words], Any], str]:
    return lambda table, value: shown.pick(*words.of(table, str(value or "")))


def _tell(shown: Shown) -> Callable[[Any], Markup]:
    """A sentence for the reader; one that there is in English only says so, for whoever hears the page."""

    def tell(said: Any) -> Markup:
        if isinstance(said, words.SpokenError):
            return escape(shown.pick(*said.words))
        return escape(said) if shown.language == "en" else Markup('<span lang="en">{}</span>').format(said)

    return tell


def _system(shown: Shown, systems: dict[str, words.Words]) -> Callable[[Any], str]:
    """A shared system's name in the register by its id."""
    return lambda value: shown.pick(*words.of(systems, str(value or "–")))


def _ago(shown: Shown) -> Callable[[Any], str]:
    def ago(value: Any) -> str:
        """How long ago, or in how long, in the largest unit that fits."""
        read = moment(value) if value else None
        if not read:
            return "–"
        passed = datetime.now(UTC) - read
        length = abs(passed)
        for unit, vi, en in (
            (timedelta(days=1), "ngày", "d"),
            (timedelta(hours=1), "giờ", "h"),
            (timedelta(minutes=1), "phút", "min"),
        ):
            if length >= unit:
                count = length // unit
                return shown.pick(
                    f"{count} {vi} trước" if passed > timedelta(0) else f"còn {count} {vi}",
                    f"{count} {en} ago" if passed > timedelta(0) else f"in {count} {en}",
                )
        return shown.pick("vừa xong", "just now")

    return ago


def _switched(request: Request) -> str:
    """This page in the other language."""
    other = "vi" if language(request) == "en" else "en"
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return f"{request.url.path}?{urllib.parse.urlencode([*kept, ('lang', other)])}"

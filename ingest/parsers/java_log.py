r"""java_log: what Tomcat (JULI), log4j, Logback and Spring Boot write -> log and process fields.

In:   `05-Mar-2026 08:15:02.113 INFO [main] org.apache.catalina.startup.Catalina.start Server startup in 1234 ms`;
      `2026-03-05 08:15:02,113 ERROR [http-8080-1] org.example.Portal: ...` and their like
Out:  `log.level`, `log.logger`, `process.pid`, `process.thread.name`; of a locked account `user.name`; `message`
      without the prefix
Docs: Tomcat, "Logging", OneLineFormatter; LockOutRealm; log4j and Logback, PatternLayout; Spring Boot, "Log Format"
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ingest import stamps
from ingest.event import TEXT, TEXTS, Columns
from ingest.lines import Context, Line, Parser

JULI = r"(?P<_juli>[0-9]{2}-[A-Z][a-z]{2}-[0-9]{4} [0-9:]{8}(?:\.[0-9]{1,6})?)"
ISO = r"\[?(?P<_iso>[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}[.,][0-9]{1,9}(?:Z|[+-][0-9]{2}:?[0-9]{2})?)\]?"
LEVEL = r"\[?(?P<log__level>SEVERE|WARNING|WARN|INFO|CONFIG|FINE|FINER|FINEST|FATAL|ERROR|DEBUG|TRACE|ALL)\]?"
THREAD = r"\[(?P<process__thread__name>[^\]]*)\]"
LOGGER = r"\{?(?P<log__logger>[A-Za-z_$][\w$.\[\]/-]*)\}?"
LOCKED = r"(?P<message>An attempt was made to authenticate the locked user \[(?P<user__name>.*)\])"
REST = r"(?P<message>.*)"
SEVERE = pa.array(["SEVERE", "FATAL", "ERROR"])


def finish(columns: Columns, context: Context) -> Columns:
    severe = pc.is_in(columns["log.level"], SEVERE)
    juli = pc.replace_substring_regex(columns["_juli"], r"^(\d+)-(\w+)-(\d+) (.*)$", r"\2 \1 \3 \4")
    stamp = pc.coalesce(stamps.bsd(juli, context.received, context.zone), stamps.iso(columns["_iso"], context.zone))
    tomcat = pc.match_substring_regex(columns["log.logger"], r"^org\.apache\.(?:catalina|coyote|tomcat|jasper)\.")
    plain = pa.array([["info"], ["error"]], TEXTS).take(severe.cast(pa.int8()))
    given = columns["event.type"] if "event.type" in columns else pa.nulls(len(severe), TEXTS)
    return {
        "@timestamp": stamp,
        "event.timezone": context.zone,
        "event.type": pc.coalesce(given.cast(TEXTS), plain),
        "event.module": pc.if_else(tomcat.fill_null(False), "tomcat", "java"),
        "event.dataset": pc.if_else(tomcat.fill_null(False), "tomcat.catalina", pa.scalar("java.log", TEXT)),
    }


PARSER = Parser(
    module="java",
    dataset="java.log",
    generic=True,  # WSO2 and CKAN write the same form
    programs=("tomcat", "catalina", "tomcat9", "tomcat10"),
    signature=(
        r"(?:[0-9]{2}-[A-Z][a-z]{2}-[0-9]{4} [0-9:]{8}(?:\.[0-9]+)? [A-Z]+ "
        r"|\[?[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}[.,][0-9]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?\]? +"
        r"(?:\[[^\]]*\] +)?\[?(?:SEVERE|WARNING|WARN|INFO|CONFIG|FINE|FATAL|ERROR|DEBUG|TRACE))"
    ),
    lines=(
        Line(
            rf"{JULI} {LEVEL} {THREAD} {LOGGER} {LOCKED}",
            action="login",
            category=("authentication",),
            type=("start",),
            outcome="failure",
        ),
        Line(rf"{JULI} {LEVEL} {THREAD} {LOGGER} {REST}"),
        Line(rf"{ISO} +{LEVEL} (?P<process__pid>[0-9]+) --- (?:\[[^\]]*\] )??{THREAD} {LOGGER} *: {REST}"),
        Line(rf"{ISO} +{LEVEL} +{THREAD} +{LOGGER} *[:-]* ?{REST}"),
        Line(rf"{ISO} +{THREAD} +{LEVEL} +{LOGGER} *[:-]* ?{REST}"),
        Line(rf"{ISO} +{LEVEL} +{LOGGER} *[:-]+ {REST}"),
        Line(rf"{ISO} +{LEVEL} +[:-]* ?{REST}"),
    ),
    finish=finish,
)

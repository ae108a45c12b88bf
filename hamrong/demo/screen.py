"""screen: what the demo shows while it runs and at its end.

In:   alerts as they are found, counts, steps
Out:  on a terminal a progress bar and a live table; elsewhere one line a step and an alert
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from hamrong.config import Config
from hamrong.demo.outcome import Outcome

COLOURS = {"critical": "bold white on red", "high": "bold red", "medium": "yellow", "low": "cyan"}
WIDE = 120
"""Columns of a terminal from which names are shown in full."""
ROWS = 14
"""Alerts that stand in the live table; older ones scroll out of it."""


class Screen:
    def __init__(self, console: Console, zone: ZoneInfo, systems: Mapping[str, str]) -> None:
        """`systems`: id of a shared system -> its name."""
        self.console = console
        self._zone, self._systems = zone, systems
        self._alerts: list[dict[str, Any]] = []
        self._live: Live | None = None
        self._began = time.monotonic()
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Progress and alerts are on the screen; plain lines take their place where there is no terminal."""
        if not self.console.is_terminal:
            yield
            return
        with Live(
            get_renderable=self._render, console=self.console, refresh_per_second=6, transient=True
        ) as self._live:
            yield
        self._live = None
        for task in self.progress.task_ids:
            self.progress.remove_task(task)

    def task(self, text: str, total: int) -> Callable[[int], None]:
        """A bar with that text; returns what sets how much is done."""
        task = self.progress.add_task(text, total=total)
        return lambda completed: self.progress.update(task, completed=completed)

    def step(self, text: str) -> None:
        """A step begins, so many seconds after the first."""
        self.console.print(f"[dim]{time.monotonic() - self._began:4.0f} s[/] [bold]›[/] {escape(text)}")

    def say(self, text: str) -> None:
        self.console.print(f"  {escape(text)}")

    def alert(self, alert: dict[str, Any]) -> None:
        """Takes an alert; called from the watching thread."""
        self._alerts.append(alert)
        if self._live is None:
            self.console.print("  ", *self._cells(alert), sep="  ")

    def table(self, alerts: Iterable[dict[str, Any]]) -> Table:
        wide = self.console.width >= WIDE
        widths = {"giờ": 8, "mức": 8, "hệ thống": 30 if wide else 12, "đối tượng": 24 if wide else 15}
        # Two blanks between columns. Rich, left to itself, would drop the narrow columns and keep the long sentence.
        widths["lý do"] = self.console.width - sum(widths.values()) - 2 * len(widths)
        table = Table(box=None, padding=(0, 1), header_style="dim")
        for name, width in widths.items():
            table.add_column(name, width=width, no_wrap=True, overflow="ellipsis")
        for alert in alerts:
            table.add_row(*self._cells(alert))
        return table

    def _cells(self, alert: dict[str, Any]) -> list[Text]:
        its = alert["soc"]["alert"]
        moment = datetime.fromisoformat(its["last_seen"]).astimezone(self._zone)
        system = alert.get("service", {}).get("name", "")
        return [
            Text(f"{moment:%H:%M:%S}"),
            Text(its["severity"], COLOURS.get(its["severity"], "")),
            Text(self._systems.get(system, system or "-")),
            Text(its["entity"]["value"]),
            Text(its["reason_vi"]),
        ]

    def _render(self) -> Group:
        return Group(self.table(list(self._alerts)[-ROWS:]), self.progress)

    def conclude(self, outcome: Outcome, cfg: Config) -> None:
        """The last alerts, the counts, and where to look."""
        say = self.console.print
        say()
        say(self.table(outcome.alerts[-ROWS:]))
        say()
        say(self.by_rule(outcome.alerts))
        say()
        say(
            f"{outcome.sent} lines sent {'=' if outcome.balanced else '≠'} {outcome.stored} events stored "
            f"+ {outcome.dead} lines in the dead-letter topic"
        )
        found = len(outcome.expected) - len(outcome.missing)
        say(f"{found} of {len(outcome.expected)} expected alerts found, on {outcome.systems_found} shared systems")
        for rule, entity in outcome.missing:
            say(f"  [bold red]missing[/]: rule {rule} about {escape(entity)}")
        p50, p95 = outcome.latency(50), outcome.latency(95)
        if p50 is not None and p95 is not None:
            say(
                f"from sending a line to finding its alert by search: p50 {p50:.1f} s, p95 {p95:.1f} s "
                f"({len(outcome.latencies)} alerts of rules and correlations)",
                soft_wrap=True,
            )
        say()
        host, port = cfg.gateway.host, cfg.gateway.tcp_port
        say(f"{time.monotonic() - self._began:.0f} s in all")
        for name, where in (
            ("triage", f"http://{cfg.triage.host}:{cfg.triage.port}/soc/queue"),
            ("alerts", f"{cfg.opensearch.url}/{cfg.opensearch.alerts_alias}/_search?q=soc.alert.status:open&pretty"),
            ("syslog", f"TCP and UDP {host}:{port}; try: logger --udp -n {host} -P {port} 'Xin chào'"),
            ("Spark", f"http://127.0.0.1:{cfg.spark.ui_port}/StreamingQuery/"),
            ("lake", cfg.lake.path),
            ("report", str(outcome.report)),
            ("to stop", "make down"),
        ):
            say(f"{name:<8} {where}", soft_wrap=True)

    def by_rule(self, alerts: Iterable[dict[str, Any]]) -> Table:
        """How many alerts each rule raised, the most severe first."""
        counted = Counter(
            (-alert["soc"]["alert"]["severity_rank"], alert["soc"]["alert"]["severity"], alert["rule"]["name"])
            for alert in alerts
        )
        table = Table(box=None, padding=(0, 1), header_style="dim")
        table.add_column("alerts", justify="right")
        table.add_column("level")
        table.add_column("rule")
        for (_, severity, name), count in sorted(counted.items()):
            table.add_row(str(count), Text(severity, COLOURS.get(severity, "")), Text(name))
        return table

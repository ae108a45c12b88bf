"""play: the demo from an empty machine to alerts and a report, with every promise checked.

In:   the home folder, how long and how fast
Out:  what was counted; `Outcome.holds` when every expected alert was found and no line was lost

1. The road is started.  2. The past hours' ordinary traffic goes in, and the anomaly model learns from it.
3. Today's traffic goes in with an attack on each shared system.  4. Everything is counted where it ended up.
5. Two analysts work through some of the alerts, for the boards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from hamrong import config
from hamrong.config import Config
from hamrong.demo import foretell, road, scene, shift, tally, traffic
from hamrong.demo.outcome import Outcome
from hamrong.demo.own_session import OwnSession
from hamrong.demo.screen import Screen
from hamrong.demo.watch import Watch
from hamrong.errors import ServiceError
from ingest.gateway.sender import Sender, Target
from ingest.sources import Register
from jobs.train import train
from triage.store import client

SETTLE_SECONDS = 90.0
"""How long after the last line something may still be on its way before it counts as lost."""
PORTION_LINES = 200


def play(home: Path, seconds: float, rate: float, console: Console) -> Outcome:
    """Plays the whole story. Raises HamrongError when a part cannot start or stands still."""
    defaults = config.load()
    systems = {system.id: system.name_vi for system in Register.load(defaults.detection.sources).systems}
    screen = Screen(console, ZoneInfo(defaults.report.timezone), systems)
    screen.step("Starting Kafka, OpenSearch, the gateway and the Spark jobs")
    with screen.showing():
        cfg = road.up(home, screen.progress)
    return Play(cfg, screen).run(seconds, rate)


class Play:
    """One run on a road that is up. Alerts and lines of earlier runs are left alone and not counted."""

    def __init__(self, cfg: Config, screen: Screen) -> None:
        self._cfg, self._screen = cfg, screen
        self._spark = OwnSession(cfg)
        self._scenes = scene.load()
        self._began = datetime.now(UTC)
        self._seed = int(self._began.timestamp())
        self._outcome = Outcome(self._began)

    def run(self, seconds: float, rate: float) -> Outcome:
        with self._spark:
            self._screen.step("Replaying the ordinary traffic of the past hours")
            self._past()
            self._screen.step("Learning from the lake what is usual")
            self._screen.say(train(self._cfg, self._spark.session(), datetime.now(UTC)).sentence())
            self._screen.step(f"Replaying {seconds:.0f} s of today's traffic with an attack on every shared system")
            self._today(seconds, rate)
            self._screen.step("Two analysts work through a third of the alerts")
            with client(self._cfg.opensearch) as opensearch:
                identities = [alert["soc"]["alert"]["id"] for alert in self._outcome.alerts]
                shift.work(opensearch, self._cfg.opensearch.alerts_alias, identities)
            self._screen.step("Writing the report of the day")
            self._outcome.report = self._report()
        self._screen.conclude(self._outcome, self._cfg)
        return self._outcome

    def _past(self) -> None:
        lines = traffic.baseline(self._scenes, self._seed, self._began)
        with self._screen.showing(), self._sender() as sender:
            sending = self._screen.task("lines of the past sent", len(lines))
            stored = self._screen.task("of them in the lake", len(lines))
            for start in range(0, len(lines), PORTION_LINES):
                sender.send(lines[start : start + PORTION_LINES])
                sending(sender.lines)
            self._outcome.sent += len(lines)

            def complete() -> bool:
                stored(count := tally.events(self._cfg, self._began))
                return count >= len(lines)

            if not _settle(complete):
                raise ServiceError(
                    f"the lines of the past did not reach the lake within {SETTLE_SECONDS:.0f} s; "
                    "the Spark jobs say why in log/spark.log of the home folder (.hamrong)"
                )

    def _today(self, seconds: float, rate: float) -> None:
        start = datetime.now(UTC)
        timed = traffic.render(self._scenes, self._seed, start, seconds, rate)
        triggers = foretell.raised([line for _, line in timed], start, self._cfg.detection)
        expected = traffic.expected(self._scenes, self._seed)
        self._outcome.expected = {(alert.rule_id, alert.entity_value): alert.system for alert in expected}
        alias = self._cfg.opensearch.alerts_alias
        with (
            client(self._cfg.opensearch) as opensearch,
            self._screen.showing(),
            Watch(opensearch, alias, start, self._screen.alert) as watching,
        ):
            sent_at = self._send(timed)
            self._outcome.sent += len(timed)
            found = self._screen.task("expected alerts found by search", len(expected))

            def complete() -> bool:
                done = len(self._outcome.expected.keys() & watching.moments().keys())
                found(done)
                return done == len(expected) and tally.events(self._cfg, self._began) >= self._outcome.sent

            _settle(complete)
        moments = watching.moments()
        self._outcome.alerts = [alert for alert, _ in watching.alerts.values()]
        self._outcome.missing = sorted(self._outcome.expected.keys() - moments.keys())
        self._outcome.latencies = [moments[key] - sent_at[row] for key, row in triggers.items() if key in moments]
        self._outcome.stored = tally.events(self._cfg, self._began)
        self._outcome.dead = tally.dead_lines(self._cfg, self._began)

    def _send(self, timed: Sequence[tuple[float, bytes]]) -> list[float]:
        """Send each line at its moment; the moments of sending, of `time.monotonic`."""
        sending = self._screen.task("today's lines sent", len(timed))
        begun = time.monotonic()
        sent_at = []
        with self._sender() as sender:
            for offset, line in timed:
                if (wait := begun + offset - time.monotonic()) > 0:
                    time.sleep(wait)
                sent_at.append(time.monotonic())
                sender.send([line])
                sending(sender.lines)
        return sent_at

    def _sender(self) -> Sender:
        return Sender(Target("tcp", self._cfg.gateway.host, self._cfg.gateway.tcp_port))

    def _report(self) -> Path:
        from hamrong.commands.report import make

        today = datetime.now(ZoneInfo(self._cfg.report.timezone)).date()
        _, path = make(self._cfg, self._spark.session(), today)
        return path


def _settle(done: Callable[[], bool]) -> bool:
    """Wait until `done`, SETTLE_SECONDS at most; whether it came."""
    end = time.monotonic() + SETTLE_SECONDS
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.3)
    return True

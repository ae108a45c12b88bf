"""watch: changed rules, validated and made live while the streams run.

In:   `detection.rules`, `detection.rules_from`
Out:  the live set in `detection.rule_sets`; a set with a fault is refused whole, and the one before stays
Docs: docs/decisions/0009-hot-reload.md

A look costs the names, sizes and times of the files. Only when these change is anything read, and only when a content
has changed, compiled. That is done here, in a thread of the driver: the batches meanwhile go on with the old set.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from detectors.sigma.rule_files import Written
from hamrong import rule_set, zone
from hamrong.config import Detection
from hamrong.errors import HamrongError, InvalidFileError, ServiceError
from jobs import loaded
from jobs.reload.mirrors import SUFFIXES, Mirror, mirror
from jobs.reload.sets import Live, Refusal, RuleSets

SETTLE_SECONDS = 0.3
"""A file that changed so short a time ago may be half written; so may a folder."""
SHARE = 0.02
"""Of one core, at most, that looking may take, however many files there are."""

log = logging.getLogger(__name__)

Seen = tuple[object, ...]


class Reloader:
    """For one thread."""

    def __init__(self, detection: Detection) -> None:
        """Raises HamrongError when a source can never be read."""
        self._detection = detection
        self._sets = RuleSets(detection.rule_sets)
        self._sources = [_Source(mirror(uri, detection.cache)) for uri in detection.rules_from.split()]
        self._looking_seconds = 0.0
        self._before: Seen = ()
        self._decided: Seen = ()

    def begin(self) -> None:
        """Makes what is there live. When it has a fault, or cannot be had, the set that was live before stays; raises
        HamrongError when there was none."""
        before = self._sets.live()
        try:
            self._decided, _ = self._see(datetime.now(UTC))
            # Published anew even if it is live: a crash may have spoilt the files.
            self._publish(loaded.written(self._detection, self._paths()), before)
            self._sets.refuse(None)
        except ServiceError as error:
            if before is None:
                raise
            log.warning("the rules are those of %s: %s", before.since, error)
        except InvalidFileError as error:
            if before is None:
                raise
            self._refuse(error)

    def look(self) -> bool:
        """Makes live what has changed since the last look; False when something has that may still be written.

        Raises ServiceError when the place of sets, or a source, is away: the next look tries again.
        """
        seen, rests = self._see(datetime.now(UTC))
        if seen == self._decided:
            return True
        if rests:
            try:
                self._take()
            except InvalidFileError as error:
                self._refuse(error)
            self._decided = seen
        return rests

    def start(self, stop: threading.Event) -> threading.Thread:
        """Looks until `stop`."""

        def run() -> None:
            told, pause = "", self._detection.reload_seconds
            while not stop.wait(pause):
                began, rests, failed = time.thread_time(), True, ""
                try:
                    rests = self.look()
                except HamrongError as error:
                    failed = str(error)
                    if failed != told:
                        log.warning("the rules stay as they are: %s", failed)
                except Exception as error:
                    # A defect; the batches go on, and so does the watching: what it stumbled over may be mended.
                    failed = repr(error)
                    if failed != told:
                        log.exception("the rules stay as they are")
                told = failed
                # To make a change live is not looking, unless it fails and is tried again each time.
                spent = time.thread_time() - began if failed else self._looking_seconds
                pause = max(self._detection.reload_seconds if rests else SETTLE_SECONDS, spent / SHARE)

        thread = threading.Thread(target=run, name="reload", daemon=True)
        thread.start()
        return thread

    def _paths(self) -> tuple[Path, ...]:
        return (*rule_set.own(self._detection), *(source.folder for source in self._sources if source.folder))

    def _see(self, now: datetime) -> tuple[Seen, bool]:
        """What changes when the rules do, and the day: filters expire. And whether it has come to rest."""
        began = time.thread_time()
        for source in self._sources:
            source.refresh(self._detection.fetch_seconds)
        files = sorted(file for path in self._paths() for file in _files(path))
        seen: Seen = (zone.today(now), *files)
        age = time.time() - max((modified for _, modified, _ in files), default=0) / 1e9
        rests = age > SETTLE_SECONDS or seen == self._before
        self._before = seen
        self._looking_seconds = time.thread_time() - began
        return seen, rests

    def _take(self) -> None:
        """Raises InvalidFileError when a file is at fault."""
        written, before = loaded.written(self._detection, self._paths()), self._sets.live()
        if before is None or before.version != written.version:
            self._publish(written, before)
        self._sets.refuse(None)

    def _publish(self, written: Written, before: Live | None) -> None:
        began = time.perf_counter()
        ruleset = loaded.made(written, self._detection)
        ruleset.compile()
        same = before if before and before.version == written.version else None
        live = Live(
            written.version,
            same.since if same else _iso_now(),
            len(ruleset.rules),
            len(ruleset.correlations),
            [str(problem) for problem in (*ruleset.refused, *written.expired)],
        )
        self._sets.publish(written, live)
        _tell(live, before, time.perf_counter() - began)

    def _refuse(self, error: InvalidFileError) -> None:
        reasons = [str(problem) for problem in error.problems]
        live = self._sets.live()
        log.error(
            "changed rules are refused, %s stays; %d faults:\n%s",
            f"set {live.version} of {live.since}" if live else "nothing",
            len(reasons),
            "\n".join(reasons),
        )
        self._sets.refuse(Refusal(_iso_now(), reasons))


class _Source:
    """A mirror, asked now and then; while it is away, what it brought last stays."""

    def __init__(self, source: Mirror) -> None:
        self._mirror = source
        self._due = 0.0
        self._told = ""
        self.folder: Path | None = None

    def refresh(self, seconds: float) -> None:
        """Raises ServiceError when it is away and has never brought anything."""
        if time.monotonic() < self._due:
            if self.folder is None:
                raise ServiceError(self._told)
            return
        self._due = time.monotonic() + seconds
        try:
            self.folder = self._mirror.bring()
            self._told = ""
        except ServiceError as error:
            self.folder = self.folder or self._mirror.last()
            told, self._told = self._told, str(error)
            if self.folder is None:
                raise
            if self._told != told:
                log.warning("the rules from there stay as they were: %s", error)


def _files(path: Path) -> Iterator[tuple[str, int, int]]:
    """Each file of rules and lists with its time (nanoseconds) and size. What is not there has none; raises
    ServiceError when something cannot be looked at."""
    waiting = [str(path)]
    while waiting:
        place = waiting.pop()
        try:
            if os.path.isfile(place):
                yield _state(place, os.stat(place))
                continue
            with os.scandir(place) as inside:
                for entry in inside:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.name.endswith(SUFFIXES):
                        yield _state(entry.path, entry.stat())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ServiceError(f"{place}: {error.strerror}") from error


def _state(path: str, state: os.stat_result) -> tuple[str, int, int]:
    return path, state.st_mtime_ns, state.st_size


def _iso_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _tell(live: Live, before: Live | None, seconds: float) -> None:
    log.info(
        "rule set %s is live%s: %d rules, %d correlations (%.1f s)",
        live.version,
        f" instead of {before.version}" if before else "",
        live.rules,
        live.correlations,
        seconds,
    )
    known = set(before.left_out) if before else set()
    for reason in live.left_out:
        if reason not in known:
            log.warning("left out: %s", reason)

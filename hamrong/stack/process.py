"""process: services that outlive the command that starts them, found and stopped by a later one.

In:   a name, argv, environment, ports, a readiness probe
Out:  `run/NAME.json` (what was started) and `log/NAME.log` under the stack's home
Docs: proc(5) /proc/PID/environ; setsid(2)

Each start gets a fresh token in its environment, which every child inherits, whatever session or process group it
moves to. A process belongs to a service only if it carries that token: a recycled pid is never killed, and a JVM
whose parent was killed is still found.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hamrong.errors import ServiceError

TOKEN_VARIABLE = "HAMRONG_SERVICE_TOKEN"  # noqa: S105 (names a start, guards nothing)
POLL_SECONDS = 0.1
_ENDED = os.WEXITED | os.WNOHANG | os.WNOWAIT


@dataclass(frozen=True)
class Service:
    """What was started under a name; `pid` 0 = the start was cut off before the process was seen."""

    name: str
    token: str
    fingerprint: str
    """Hash of the command and its environment: a start with another one replaces the service."""
    log: Path
    ports: dict[str, int] = field(default_factory=dict)
    pid: int = 0
    started: str = ""
    """UTC, ISO 8601."""

    @property
    def alive(self) -> bool:
        """Whether its first process runs; children alone do not make a service."""
        return carries(self.pid, self.token)


class Services:
    """The services recorded under one home; any process may hold one of these at any time."""

    def __init__(self, home: Path) -> None:
        self.run = home.resolve() / "run"
        self.logs = home.resolve() / "log"

    def start(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        ports: Mapping[str, int] | None = None,
        ready: Callable[[], bool],
        timeout_seconds: float = 60.0,
    ) -> Service:
        """`launch`, then `wait`."""
        service = self.launch(name, argv, env=env, ports=ports)
        self.wait(service, ready, timeout_seconds)
        return service

    def launch(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        ports: Mapping[str, int] | None = None,
    ) -> Service:
        """The service, running but perhaps not ready. One that runs with the same command and `env` is kept.

        `env` is added to this process's environment. What an earlier start left behind is ended first.
        """
        command = [str(argument) for argument in argv]
        fingerprint = hashlib.sha256(json.dumps([command, sorted((env or {}).items())]).encode()).hexdigest()
        with self._lock(name):
            service = self.find(name)
            if service and service.alive and service.fingerprint == fingerprint:
                return service
            if service:
                self._end(service, grace_seconds=10.0)
            return self._spawn(name, command, env or {}, dict(ports or {}), fingerprint)

    def wait(self, service: Service, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Returns once `ready` says True. Raises ServiceError, and leaves nothing running, when the process ends
        before or the time is over."""
        end = time.monotonic() + timeout_seconds
        while not ready():
            if not service.alive:
                fault = f"ended while starting ({_last_line(service.log)})"
            elif time.monotonic() > end:
                fault = f"did not answer within {timeout_seconds:.0f} s and was stopped"
            else:
                time.sleep(POLL_SECONDS)
                continue
            with self._lock(service.name):
                self._end(service, grace_seconds=5.0)
            raise ServiceError(f"{service.name} {fault}; its log: {service.log}")

    def stop(self, name: str, grace_seconds: float = 20.0) -> bool:
        """Ends every process of the service and forgets it; False when it was not recorded."""
        with self._lock(name):
            service = self.find(name)
            if service:
                self._end(service, grace_seconds)
        return service is not None

    def find(self, name: str) -> Service | None:
        try:
            values = json.loads((self.run / f"{name}.json").read_text(encoding="utf-8"))
            return Service(**{**values, "log": Path(values["log"])})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            path = self.run / f"{name}.json"
            raise ServiceError(f"{path} is damaged ({error}): end the service by hand and delete the file") from error

    def status(self) -> list[Service]:
        """Every recorded service by name, the dead ones too."""
        names = sorted(path.stem for path in self.run.glob("*.json"))
        return [service for name in names if (service := self.find(name))]

    def ports_of_living(self, name: str) -> dict[str, int]:
        """The ports of the service if it runs; {} and no process left of it if it does not."""
        service = self.find(name)
        if service and service.alive:
            return service.ports
        self.stop(name)
        return {}

    def _spawn(
        self, name: str, command: list[str], env: Mapping[str, str], ports: dict[str, int], fingerprint: str
    ) -> Service:
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        service = Service(
            name, uuid.uuid4().hex, fingerprint, log, ports, started=datetime.now(UTC).isoformat(timespec="seconds")
        )
        # The token is on disk before the process exists, so a kill between the two loses nothing.
        self._save(service)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            pid = os.posix_spawnp(
                command[0],
                command,
                {**os.environ, **env, TOKEN_VARIABLE: service.token},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,
                # Python ignores these two; a child must not.
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
            )
        except OSError as error:
            self._forget(service)
            raise ServiceError(f"{name} cannot be started: {command[0]}: {error.strerror}") from error
        # Its environment cannot be read for a moment while it loads the program; it would look dead.
        while not carries(pid, service.token) and os.waitid(os.P_PID, pid, _ENDED) is None:
            time.sleep(0.001)
        service = dataclasses.replace(service, pid=pid)
        self._save(service)
        return service

    def _end(self, service: Service, grace_seconds: float) -> None:
        """Asks the first process, then its children, then kills whatever is left."""
        _signal(service.token, signal.SIGTERM, grace_seconds, only=service.pid)
        _signal(service.token, signal.SIGTERM, 3.0)
        _signal(service.token, signal.SIGKILL, 10.0)
        if service.pid:
            with contextlib.suppress(ChildProcessError):  # another process's child
                os.waitpid(service.pid, os.WNOHANG)
        if left := processes_of(service.token):
            raise ServiceError(f"{service.name} cannot be ended: processes {sorted(left)} do not die")
        self._forget(service)

    def _save(self, service: Service) -> None:
        self.run.mkdir(parents=True, exist_ok=True)
        path = self.run / f"{service.name}.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps({**dataclasses.asdict(service), "log": str(service.log)}), encoding="utf-8")
        partial.replace(path)

    def _forget(self, service: Service) -> None:
        recorded = self.find(service.name)
        if recorded and recorded.token != service.token:  # started anew meanwhile by another command
            return
        (self.run / f"{service.name}.json").unlink(missing_ok=True)

    @contextlib.contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        self.run.mkdir(parents=True, exist_ok=True)
        with (self.run / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def processes_of(token: str) -> set[int]:
    """The living processes that carry the token."""
    return {pid for path in Path("/proc").iterdir() if path.name.isdigit() and carries(pid := int(path.name), token)}


def carries(pid: int, token: str) -> bool:
    """Whether the process lives and has the token; a zombie has no environment left."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # gone, or another user's
        return False
    return f"{TOKEN_VARIABLE}={token}".encode() in environment.split(b"\0")


def _signal(token: str, number: signal.Signals, seconds: float, only: int | None = None) -> None:
    """Sends the signal once to each process of the token, also to those born meanwhile, until none is left."""
    end = time.monotonic() + seconds
    told: set[int] = set()
    while members := {pid for pid in processes_of(token) if only is None or pid == only}:
        for pid in members - told:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        told |= members
        if time.monotonic() > end:
            return
        time.sleep(POLL_SECONDS)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "it said nothing")

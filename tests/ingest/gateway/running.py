"""running: a gateway process of a test's own, killed and started again at will."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hamrong.config import PROJECT
from hamrong.stack.ports import any_port

START_SECONDS = 60.0


class Gateway:
    """`hamrong gateway` on ports of its own; `folder` holds its spool and survives its deaths."""

    def __init__(self, folder: Path, bootstrap: str, **settings: Any) -> None:
        self.folder = folder
        self.log = folder / "gateway.log"
        self.port = {name: any_port() for name in ("tcp", "udp", "tls", "status")}
        self.settings = {
            "gateway_spool": folder / "spool",
            "kafka_bootstrap_servers": bootstrap,
            "gateway_tls_port": 0,
            **{f"gateway_{name}_port": self.port[name] for name in ("tcp", "udp", "status")},
            **settings,
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Gives the line that it prints when it is ready."""
        names = {f"HAMRONG_{name.upper()}": str(value) for name, value in self.settings.items()}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hamrong.cli", "gateway"],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(PROJECT), **names},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout
        return self.process.stdout.readline()

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self._end()

    def stop(self) -> dict[str, Any]:
        """The counters that it prints at a graceful stop."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        answer = self._end()
        assert self.process.returncode == 0, self.log.read_text()
        return dict(json.loads(answer))

    def _end(self) -> str:
        assert self.process
        answer, _ = self.process.communicate(timeout=60)
        return answer

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port['status']}/", timeout=10) as answer:
            return dict(json.load(answer))

    def until(self, condition: Callable[[dict[str, Any]], bool], seconds: float = 60.0) -> dict[str, Any]:
        """Waits until the counters are so."""
        end = time.monotonic() + seconds
        while not condition(status := self.status()):
            assert time.monotonic() < end, f"{status}\n{self.log.read_text()}"
            time.sleep(0.02)
        return status

    def received(self, count: int) -> dict[str, Any]:
        """Waits until so many lines are in the spool."""
        return self.until(lambda status: bool(status["spooled"] >= count))

    @property
    def logged(self) -> str:
        return self.log.read_text()


@contextmanager
def gateway(folder: Path, bootstrap: str = "127.0.0.1:1", **settings: Any) -> Iterator[Gateway]:
    """A gateway that is not started yet, and does not outlive the block. By default there is no Kafka for it."""
    made = Gateway(folder, bootstrap, **settings)
    try:
        yield made
    finally:
        if made.process and made.process.poll() is None:
            made.kill()
        if made.process and made.process.stdout:
            made.process.stdout.close()

"""own_session: the demo's own Spark session, for training and the report, started beside the rest.

In:   the configuration
Out:  a session as soon as it is there; stopped at the end of the `with`
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hamrong.config import Config


class OwnSession:
    def __init__(self, cfg: Config) -> None:
        self._cfg = cfg
        self._pool = ThreadPoolExecutor(1, "spark")
        self._starting: Future[SparkSession] | None = None

    def __enter__(self) -> OwnSession:
        self._starting = self._pool.submit(self._start)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        if self._starting and not self._starting.exception():
            self._starting.result().stop()

    def session(self) -> SparkSession:
        """Waits for it. Raises what its start raised."""
        assert self._starting, "outside of `with`"
        return self._starting.result()

    def _start(self) -> SparkSession:
        from jobs.session import session

        return session(self._cfg, "demo", brief=True)

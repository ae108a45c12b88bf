"""watching: how far a Spark job has come, told while it runs.

In:   an action on a DataFrame
Out:  its result; `tell` hears the number of finished tasks and of all
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pyspark.sql import SparkSession

Tell = Callable[[int, int], None]
Result = TypeVar("Result")

GROUP = "hamrong-backtest"
PAUSE_SECONDS = 0.2


def watched(spark: SparkSession, action: Callable[[], Result], tasks: int, tell: Tell) -> Result:
    """Runs `action`, whose first stage has so many tasks. An interrupt stops it on the cluster as well."""
    context = spark.sparkContext
    tracker = context.statusTracker()

    def run() -> Result:
        # A job belongs to the group of the thread that starts it.
        context.setJobGroup(GROUP, "backtest", interruptOnCancel=True)
        return action()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            while not running.done():
                infos = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(GROUP)]
                stages = [tracker.getStageInfo(stage) for info in infos if info for stage in info.stageIds]
                done = max(
                    (stage.numCompletedTasks for stage in stages if stage and stage.numTasks == tasks), default=0
                )
                tell(done, tasks)
                time.sleep(PAUSE_SECONDS)
        except BaseException:
            context.cancelJobGroup(GROUP)
            raise
        tell(tasks, tasks)
        return running.result()

"""session: the Spark session of every job.

In:   the configuration
Out:  a SparkSession that knows Kafka and Delta and runs this project's Python

On a cluster the session comes from `spark-submit`; what is set here are the settings that the jobs rely on.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import SparkSession

from hamrong.config import Config, Detection
from hamrong.errors import HamrongError

LOG4J = """\
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {folder}/spark.log
appender.file.filePattern = {folder}/spark-%i.log
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{ISO8601}} %p %c{{1}}: %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 20MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
"""


# Two cores: a collector without threads beside the work; and room for the code of hundreds of generated classes.
JAVA = "-XX:+UseParallelGC -XX:ReservedCodeCacheSize=256m"
JAVA_BRIEF = "-XX:TieredStopAtLevel=1"


def session(cfg: Config, name: str, *, brief: bool = False, with_rules: bool = False) -> SparkSession:
    """The session, started when there is none. Raises HamrongError when the connectors' jars are missing.

    `brief`: it will live for a minute, so the JVM compiles quickly rather than well.
    `with_rules`: its Python workers have the rules from the start (`jobs.daemon`).
    """
    work = cfg.spark.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    log4j = work / "log4j2.properties"
    log4j.write_text(LOG4J.format(folder=work), encoding="utf-8")
    settings = {
        "spark.pyspark.python": sys.executable,
        "spark.local.dir": str(work / "scratch"),
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.driver.memory": cfg.spark.driver_memory,
        "spark.driver.extraJavaOptions": " ".join(
            (JAVA, JAVA_BRIEF if brief else "", f"-Dlog4j2.configurationFile={log4j} -Dderby.system.home={work}")
        ),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": str(cfg.spark.ui_port > 0).lower(),
        "spark.ui.port": str(cfg.spark.ui_port),
        "spark.ui.showConsoleProgress": "false",
        "spark.jars": ",".join(map(str, connectors(cfg.spark.jars))),
    }
    if cfg.spark.master.startswith("local"):
        # What Python workers are started with; the setting alone is only read by spark-submit.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    else:
        for setting in ("spark.driver.bindAddress", "spark.driver.host", "spark.pyspark.python"):
            del settings[setting]
    builder = SparkSession.builder.appName(f"hamrong-{name}").master(cfg.spark.master)
    if with_rules:
        settings |= _preloaded(cfg.detection)
    for key, value in {**settings, **shared_settings(cfg)}.items():
        builder = builder.config(key, value)
    with _stderr_to(work / "jvm.log"):
        return builder.getOrCreate()


def _preloaded(detection: Detection) -> dict[str, str]:
    """Spark's settings that make `jobs.daemon` read the same detection settings as the jobs."""
    variables = {
        name: os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)
        for name, value in vars(detection).items()
    }
    return {
        "spark.python.daemon.module": "jobs.daemon",
        **{f"spark.executorEnv.HAMRONG_DETECTION_{name.upper()}": value for name, value in variables.items()},
    }


def shared_settings(cfg: Config) -> dict[str, str]:
    """What holds on one machine and on a cluster alike."""
    return {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(cfg.spark.shuffle_partitions),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        # 50 partitions for a log of a few hundred files cost seconds a commit; one is enough below millions of files.
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        ),
        # Changelogs instead of whole RocksDB snapshots at each commit: milliseconds instead of a second.
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
        # Each call of Arrow costs microseconds whatever its rows, and reading a batch takes thousands of them; what a
        # worker holds is bounded by the bytes.
        "spark.sql.execution.arrow.maxRecordsPerBatch": "25000",
        "spark.sql.execution.arrow.maxBytesPerBatch": str(64 << 20),
        "spark.sql.streaming.metricsEnabled": "false",
    }


def connectors(folder: Path) -> list[Path]:
    """The jars in `folder`, in order of name."""
    jars = sorted(folder.resolve().glob("*.jar"))
    if not jars:
        raise HamrongError(f"{folder}: no Kafka and Delta connectors for Spark; run: hamrong stack jars")
    return jars


@contextlib.contextmanager
def _stderr_to(log: Path) -> Iterator[None]:
    """File descriptor 2 in `log`, so that the JVM, which inherits it for life, warns there and not at a person."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with log.open("ab") as target:
            os.dup2(target.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)

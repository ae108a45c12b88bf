"""jars: the Java libraries of Kafka, OpenSearch and Spark's connectors, fetched by the Ivy that pyspark ships.

In:   `ivy.xml` (every jar pinned), `jars.sha256` (its hashes), `ivysettings.xml` (from where)
Out:  `jars/spark`, `jars/kafka`, `jars/opensearch` under the stack's home, complete or absent
Docs: Apache Ivy, "Standalone"; docs/decisions/0002-embedded-stack.md
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.progress import Progress, TaskID

from hamrong.errors import ServiceError
from hamrong.stack.java import find_java

PARTS = ("spark", "kafka", "opensearch")
ATTEMPTS = 3
"""Ivy gives up on the first cut connection; what it has fetched by then it keeps."""
_FOLDER = Path(__file__).parent
_IVY_FAILED = 1
"""Any other exit code is a signal, such as a person's Ctrl-C."""
_STAMP = "stamp"


def jars(home: Path, part: str) -> list[Path]:
    """The fetched jars of `part`, in alphabetical order. Raises ServiceError when they are not there."""
    folder = home.resolve() / "jars" / part
    if not _fetched(folder):
        raise ServiceError(f"the jars of {part} are not in {folder}: run 'hamrong stack jars'")
    return sorted(folder.glob("*.jar"))


def spark_jars(home: Path) -> list[Path]:
    """What `spark.jars` must name: the Kafka source and Delta Lake."""
    return jars(home, "spark")


def fetch(home: Path, progress: Progress) -> None:
    """Sees to it that every part is there. Costs nothing when it is; may be killed and run again at any time."""
    root = home.resolve() / "jars"
    if all(_fetched(root / part) for part in PARTS):
        return
    java = find_java()
    root.mkdir(parents=True, exist_ok=True)
    with _lock(root):
        for rest in root.glob(".partial-*"):
            shutil.rmtree(rest)
        missing = [part for part in PARTS if not _fetched(root / part)]
        with ThreadPoolExecutor(len(PARTS)) as pool:
            for _ in pool.map(lambda part: _fetch_part(home.resolve(), part, java, progress), missing):
                pass


def _fetch_part(home: Path, part: str, java: Path, progress: Progress) -> None:
    hashes = _hashes(part)
    # Each jar is passed twice: once found, once downloaded.
    task = progress.add_task(f"jars of {part}", total=2 * len(hashes))
    folder = Path(tempfile.mkdtemp(prefix=f".partial-{part}-", dir=home / "jars"))
    log = home / "log" / f"jars-{part}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, ATTEMPTS + 1):
        progress.update(task, completed=0)
        code, cause = _run_ivy(java, part, folder, log, progress, task)
        if code == 0:
            break
        if attempt == ATTEMPTS or code != _IVY_FAILED:
            raise ServiceError(
                f"the jars of {part} cannot be fetched ({cause}): check that this machine reaches Maven Central, "
                f"then run it again; details: {log}"
            )
    _check(folder, hashes)
    (folder / _STAMP).write_text(_wanted(part))
    shutil.rmtree(home / "jars" / part, ignore_errors=True)
    folder.replace(home / "jars" / part)
    progress.update(task, completed=2 * len(hashes))


def _check(folder: Path, hashes: dict[str, str]) -> None:
    for name, expected in hashes.items():
        path = folder / name
        got = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "no such file"
        if got != expected:
            raise ServiceError(
                f"{name} is not the jar that was pinned (sha256 {got}, expected {expected}): "
                f"delete ~/.ivy2/hamrong and run it again; if it stays so, do not trust this network"
            )


def _run_ivy(java: Path, part: str, folder: Path, log: Path, progress: Progress, task: TaskID) -> tuple[int, str]:
    """Ivy's exit code, and its first words about a fault."""
    command: list[str | Path] = [java, "-jar", _ivy_jar(), "-confs", part]
    command += ["-settings", _FOLDER / "ivysettings.xml", "-ivy", _FOLDER / "ivy.xml"]
    command += ["-retrieve", folder / "[artifact]-[revision].[ext]"]
    cause = ""
    with (
        log.open("w", encoding="utf-8") as copy,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as ivy,
    ):
        assert ivy.stdout
        for line in ivy.stdout:
            copy.write(line)
            if "\tfound " in line or "[SUCCESSFUL ]" in line:
                progress.advance(task)
            elif not cause and ("error" in line.lower() or "exception" in line.lower() or ": not found" in line):
                cause = line.strip(" \t\n:")[:200]
    return ivy.returncode, cause or f"Ivy exit code {ivy.returncode}"


def _ivy_jar() -> Path:
    import pyspark

    found = sorted((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))
    if not found:
        raise ServiceError("pyspark holds no Ivy jar: install the package 'pyspark' anew")
    return found[-1]


def _hashes(part: str) -> dict[str, str]:
    """The sha256 of each jar of the part by file name."""
    lines = (_FOLDER / "jars.sha256").read_text().splitlines()
    pairs = [line.split("  ", 1) for line in lines]
    return {Path(path).name: digest for digest, path in pairs if Path(path).parent.name == part}


def _wanted(part: str) -> str:
    """The stamp of a folder that holds today's jars of the part."""
    return hashlib.sha256(json.dumps(_hashes(part), sort_keys=True).encode()).hexdigest()


def _fetched(folder: Path) -> bool:
    stamp = folder / _STAMP
    return stamp.exists() and stamp.read_text() == _wanted(folder.name)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

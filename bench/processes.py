"""processes: CPU seconds of the parts of a running road.

In:   the stack's home; Spark as a child of this process
Out:  CPU seconds (user and system) by part: driver, JVM, Python workers, Kafka, OpenSearch
Docs: proc(5), /proc/PID/stat
"""

from __future__ import annotations

import os
from pathlib import Path

from hamrong.stack.process import Services

TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """Reads what has been used so far; of a dead worker its parent keeps the sum."""

    def __init__(self, home: Path) -> None:
        self._stores = {service.name: service.pid for service in Services(home).status()}

    def read(self) -> dict[str, float]:
        table = {int(path.name): stat for path in Path("/proc").glob("[0-9]*") if (stat := _stat(path))}
        used = dict.fromkeys(("JVM", "Python workers", "driver", *sorted(self._stores)), 0.0)
        for pid, (name, parent, seconds) in table.items():
            for store, its in self._stores.items():
                if pid == its:
                    used[store] += seconds
            if pid == os.getpid():
                used["driver"] += seconds
            elif _descends(parent, os.getpid(), table) and pid not in self._stores.values():
                used["JVM" if name == "java" else "Python workers"] += seconds
        return used


def _descends(pid: int, ancestor: int, table: dict[int, tuple[str, int, float]]) -> bool:
    while pid in table and pid != ancestor:
        pid = table[pid][1]
    return pid == ancestor


def _stat(path: Path) -> tuple[str, int, float] | None:
    """Name, parent, and CPU seconds with those of children that ended."""
    try:
        name, _, rest = (path / "stat").read_text("utf-8", "replace").partition("(")[2].rpartition(")")
    except OSError:
        return None
    values = rest.split()
    return name, int(values[1]), sum(map(int, values[11:15])) / TICKS

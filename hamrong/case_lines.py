"""case_lines: how the raw lines of a rule's cases become events.

In:   the register of the detection settings
Out:  `detectors.sigma.cases.Parse`, by the real parsers
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from detectors.sigma.cases import Parse
from detectors.sigma.raw_lines import raw_batch
from hamrong.config import Detection
from ingest.parse import parse
from ingest.sources import Register


def parser(detection: Detection) -> Parse:
    register = Register.load(detection.sources)

    def events(lines: list[bytes], received: list[datetime], source: str | None) -> pa.RecordBatch:
        return parse(raw_batch(lines, 1, received), register.always(source) if source else register)

    return events

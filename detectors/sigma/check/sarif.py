"""sarif: doubts as a code review shows them.

In:   Doubts
Out:  a SARIF log
Docs: OASIS Static Analysis Results Interchange Format 2.1.0
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from detectors.sigma.check.doubt import KINDS, Doubt

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(doubts: Sequence[Doubt], version: str) -> dict[str, Any]:
    """Paths are relative to the current folder, the root of what is reviewed."""
    kinds = list(KINDS)
    rules = [{"id": kind, "shortDescription": {"text": text}} for kind, text in KINDS.items()]
    driver = {"name": "hamrong rules check", "semanticVersion": version, "rules": rules}
    results = [_result(doubt, kinds.index(doubt.kind)) for doubt in doubts]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(doubt: Doubt, index: int) -> dict[str, Any]:
    problem = doubt.problem
    uri = _uri(problem.path)
    text = f"{problem.what} ({problem.hint})" if problem.hint else problem.what
    # So that a review knows it again when lines above it were added.
    known_by = hashlib.sha256(f"{uri}\0{doubt.kind}\0{problem.what}".encode()).hexdigest()
    region = {"region": {"startLine": problem.line}} if problem.line else {}
    return {
        "ruleId": doubt.kind,
        "ruleIndex": index,
        "level": "error" if doubt.is_fault else "warning",
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, **region}}],
        "partialFingerprints": {"hamrong/v1": known_by},
    }


def _uri(path: str) -> str:
    here = Path(os.path.relpath(path))
    return Path(path).resolve().as_uri() if here.parts[:1] == ("..",) else quote(here.as_posix())

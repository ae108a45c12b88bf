"""case_report: what became of the cases, for people and for machines.

In:   the verdicts of `detectors.sigma.cases`
Out:  text, JSON, and JUnit's XML; of a case that passed no more than that it did
Docs: JUnit XML as build servers read it (testsuites, testsuite, testcase, failure)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from detectors.sigma.cases import Verdict
from detectors.sigma.explain import Part, explain
from detectors.sigma.explain_correlation import explain_correlation
from detectors.sigma.ruleset import Ruleset
from hamrong.errors import Problem
from hamrong.terminal import printable
from ingest.event import to_documents

MAX_SHOWN_LINES = 12
"""Of a sequence, so many lines are shown."""
MAX_LINE = 200
MAX_DOCUMENT = 1_000
_HIDDEN = ("event.original", "message", "event.id", "event.ingested", "log.syslog.", "related.")
"""What repeats the line or says nothing of what happened."""


def wrong(verdict: Verdict) -> str:
    return "must fire and did not" if verdict.case.fires else "must not fire and did"


def failure(ruleset: Ruleset, verdict: Verdict, *, colour: bool = False) -> Iterator[str]:
    """The case, what the parsers made of its lines, and the conditions with what held in them."""
    case = verdict.case
    yield printable(f"{case.path}:{case.line}: {case.name}: {wrong(verdict)}")
    written = case.lines or tuple(event.decode() for event in case.events)
    what = "line" if case.lines else "event"
    for number, text in enumerate(written[:MAX_SHOWN_LINES], 1):
        yield printable(f"  {what} {number}: {text[:MAX_LINE]}")
    if len(written) > MAX_SHOWN_LINES:
        yield f"  … and {len(written) - MAX_SHOWN_LINES} more"
    if case.lines:
        [document] = to_documents(verdict.events.slice(len(written) - 1))
        shown = {name: value for name, value in document.items() if not name.startswith(_HIDDEN)}
        text = json.dumps(shown, ensure_ascii=False, default=str)
        yield printable(f"  which is{' at the end' if len(written) > 1 else ''} {text[:MAX_DOCUMENT]}")
    for _, title, where, part in trees(ruleset, verdict):
        yield f"  {title}, on {where}:"
        yield from (f"    {line}" for line in part.lines(colour=colour))


def trees(ruleset: Ruleset, verdict: Verdict) -> Iterator[tuple[str, str, str, Part]]:
    """Id, title, place and tree of each rule that the case is about; of one that fired, on the event it matched."""
    events = verdict.events
    matches = ruleset.match(events)
    matched = dict(
        zip(reversed(ruleset.matched_ids(matches).to_pylist()), reversed(matches["row"].to_pylist()), strict=True)
    )
    what = "line" if verdict.case.lines else "event"
    for rule in ruleset.rules:
        if rule.id in verdict.rules:
            row = matched.get(rule.id, events.num_rows - 1)
            yield rule.id, rule.title, f"{what} {row + 1}", explain(ruleset, rule.id, events.slice(row, 1))
    for correlation in ruleset.correlations:
        if correlation.id in verdict.rules:
            yield correlation.id, correlation.title, f"all {what}s", explain_correlation(ruleset, correlation, events)


def by_file(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, list[Verdict]]]:
    files: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        files.setdefault(verdict.case.path, []).append(verdict)
    yield from sorted(files.items())


def as_json(ruleset: Ruleset, verdicts: Sequence[Verdict], problems: Sequence[Problem]) -> str:
    """With the trees of cases that failed."""
    cases = []
    for verdict in verdicts:
        case = verdict.case
        one = {
            "path": case.path,
            "line": case.line,
            "name": case.name,
            "fires": case.fires,
            "fired": list(verdict.fired),
            "passed": verdict.passed,
        }
        if not verdict.passed:
            one["explained"] = [
                {"rule": rule, "on": where, **part.document()} for rule, _, where, part in trees(ruleset, verdict)
            ]
        cases.append(one)
    found = [{"severity": "error", **vars(problem)} for problem in problems]
    return json.dumps({"cases": cases, "problems": found}, indent=2, ensure_ascii=False)


def junit(ruleset: Ruleset, verdicts: Sequence[Verdict], problems: Sequence[Problem]) -> bytes:
    """A suite a file; what is wrong with the files themselves is a suite of errors."""
    failed = sum(not verdict.passed for verdict in verdicts)
    counts = {"tests": len(verdicts) + len(problems), "failures": failed, "errors": len(problems)}
    root = ElementTree.Element("testsuites", {name: str(count) for name, count in counts.items()})
    for path, its in by_file(verdicts):
        bad = sum(not verdict.passed for verdict in its)
        suite = _element(root, "testsuite", name=path, tests=str(len(its)), failures=str(bad), errors="0")
        for verdict in its:
            case = verdict.case
            element = _element(
                suite,
                "testcase",
                name=case.name,
                classname=Path(path).name.removesuffix(".cases.jsonl"),
                file=path,
                line=str(case.line),
            )
            if not verdict.passed:
                detail = _element(element, "failure", message=wrong(verdict), type="case")
                detail.text = "\n".join(failure(ruleset, verdict))
    if problems:
        count = str(len(problems))
        suite = _element(root, "testsuite", name="files", tests=count, failures="0", errors=count)
        for problem in problems:
            element = _element(suite, "testcase", name=f"{problem.path}:{problem.line}", classname="files")
            _element(element, "error", message=str(problem), type="file")
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _element(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    """Control characters are no XML, so they are written out."""
    return ElementTree.SubElement(parent, tag, {name: printable(value) for name, value in attributes.items()})

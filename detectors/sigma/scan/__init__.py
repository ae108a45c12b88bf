"""scan: a rule set over files, on every core.

In:   files and folders of events: JSON lines, JSON arrays, .evtx, raw log lines; plain, gzip or zstd
Out:  matches in the files' order, whatever the number of workers; alerts; a summary; named faults
Docs: docs/guide/scan.md

May import `ingest` (files, columns, entities, event) and the rest of `detectors`. The way of the bytes, a file a step:
`inputs` (which files, of what kind) -> `pieces` (cut at line ends) -> `workers` (processes, results in order) ->
`matching` (one piece through the matcher) -> `run` (matches, correlations, alerts, summary) -> `output`.
"""

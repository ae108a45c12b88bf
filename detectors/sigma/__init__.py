"""Sigma: load, map fields, compile, match, correlate, test.

In:   Sigma YAML files and flat Arrow batches of events
Out:  matches (row, rule) and correlation firings
May import `ingest.event`, `hamrong.errors`.

One stage a file: `rule_files` finds what is to be loaded, `document` reads YAML with its lines, `load` makes rules of
it (`translate`: conditions, `expand`: placeholders, `metadata`: the rest), `filters` ties exceptions to them,
`taxonomy` says which events belong to a log source and where its fields lie, `expression` holds the conditions over
shared atoms, `scanner` tests one field's values, `program` picks and evaluates the rules of a log source, `match`
runs a batch through them, `correlate` counts over time, `cases` tests rules on raw lines, `check` doubts them.
`ruleset` is the door.
"""

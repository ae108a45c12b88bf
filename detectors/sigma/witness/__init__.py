"""witness: events that a rule fires on, and near misses, made from the rule's own condition.

In:   a `Ruleset` and one of its rules
Out:  `propose.Proposed`: events, each proved by the matcher, and what could not be made
Docs: docs/reference/sigma.md, Cases

A file a step: `demands` (which atoms must hold, and which must not) -> `values` (a value of one field for which they
do, of `pieces` or `whole_values`; `regex_samples` for expressions) -> `assemble` (all fields together) -> `propose`
(whole events, named and proved).
"""

"""alert: the alert document, its identity, grouping and risk.

In:   what a detector saw: a rule, an entity, a window of event time, sample events
Out:  alert documents (nested ECS plus `soc.alert.*`), one per (rule, entity, window)
Docs: ECS field sets rule, threat, related, event (kind "signal")
"""

from __future__ import annotations

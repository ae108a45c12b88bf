"""knowledge: what the pipeline knew that day: its rules and its anomaly model.

In:   the rule set and the stored model, as they stand now
Out:  `Rules`, `ModelFacts`
"""

from __future__ import annotations

from detectors.anomaly import store
from detectors.sigma.rule import LEVELS
from hamrong.config import Config
from jobs import loaded
from jobs.report.contents import ActiveRule, ModelFacts, Rules


def rules(cfg: Config) -> Rules:
    """The active rules, those with the highest level first."""
    ruleset = loaded.live(cfg.detection)
    active = [
        ActiveRule(rule.id, rule.title, rule.level, rule.status, kind)
        for kind, group in (("sigma", ruleset.rules), ("correlation", ruleset.correlations))
        for rule in group
    ]
    active.sort(key=lambda rule: (-LEVELS.index(rule.level), rule.title, rule.id))
    return Rules(ruleset.version, tuple(active))


def model(cfg: Config) -> ModelFacts | None:
    stored = store.load(cfg.anomaly.models)
    if stored is None:
        return None
    return ModelFacts(
        version=stored.version,
        since=stored.since,
        until=stored.until,
        windows={name: forest.rows for name, forest in stored.forests.items()},
        thresholds={name: forest.threshold for name, forest in stored.forests.items()},
    )

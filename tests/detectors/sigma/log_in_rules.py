"""Two rules for correlations to count: log-ins that were refused, and those that were accepted."""

from __future__ import annotations

LOG_INS = """\
title: refused
id: refused
name: refused
logsource: {product: linux, service: sshd}
detection: {s: {event.outcome: failure}, condition: s}
---
title: accepted
id: accepted
name: accepted
logsource: {product: linux, service: sshd}
detection: {s: {event.outcome: success}, condition: s}
---
"""

"""demo: the province's shared systems at work and under attack, as log lines.

In:   `scenes/*.yml` (one a shared system), a seed and a time
Out:  syslog lines with their moments, and the alerts that must come of them
May import `hamrong.errors`.
"""

"""ingest: syslog lines -> ECS events.

In:   raw lines with their peer and receive time
Out:  Arrow batches of ECS events (`ingest.event`)
May import nothing of ours but `hamrong.errors` and `hamrong.config`.
"""

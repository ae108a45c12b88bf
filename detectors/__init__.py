"""detectors: events -> matches -> alerts.

In:   Arrow batches of ECS events
Out:  matches, correlations, anomaly scores and alert documents
May import `ingest.event`, `hamrong.errors`.
"""

"""jobs: thin Spark mains, one a query.

In:   Kafka topics and the lake
Out:  the lake, OpenSearch, Kafka
May import `ingest`, `detectors`, `triage`, `hamrong.config`, `hamrong.errors`.
"""

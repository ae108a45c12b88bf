"""triage: the life of an alert in OpenSearch.

In:   alert documents
Out:  alert documents in OpenSearch, which only grow until an analyst takes them
May import `detectors`, `hamrong.config`, `hamrong.errors`, `hamrong.zone`.
"""

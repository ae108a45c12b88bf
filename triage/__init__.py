"""triage: the life of an alert in OpenSearch.

In:   alert documents and what analysts do with them
Out:  alert documents in OpenSearch
May import `detectors.alert`, `hamrong.config`.
"""

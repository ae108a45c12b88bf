"""web: the pages on which an analyst works through alerts.

In:   HTTP; alerts in OpenSearch
Out:  pages made here, without a script's help; changes of alerts, each with an audit event
May import `triage`, `detectors`, `hamrong.config`, `hamrong.rule_set`, `hamrong.zone`, `ingest.sources`.
"""

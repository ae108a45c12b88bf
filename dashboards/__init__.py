"""dashboards: index templates and saved objects, with their loader.

In:   `templates/*.json` and the readable sources under `objects/`
Out:  templates in OpenSearch; `*.ndjson` beside this file, and those in OpenSearch Dashboards
May import `hamrong.config` and `hamrong.errors`.
"""

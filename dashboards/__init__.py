"""dashboards: index templates and saved objects, with their loader.

In:   data files beside this one
Out:  OpenSearch templates and Dashboards objects
May import `hamrong.config`.
"""

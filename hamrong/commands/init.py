"""init: what Kafka and OpenSearch must hold before the first line.

In:   the configuration; an account of OpenSearch's role all_access, where it has the security plugin
Out:  topics; index templates; policies, roles and role mappings where OpenSearch has the plugins for them
"""

from __future__ import annotations

import argparse

SUMMARY = "make topics in Kafka, and index templates, policies and roles in OpenSearch"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--replicas", type=int, metavar="N", help="copies of each index (default: keep, else 0)")
    parser.add_argument("--dry-run", action="store_true", help="change nothing; say what would be done")


def run(args: argparse.Namespace) -> int:
    from dashboards.loader import install_templates
    from dashboards.security import install_policies, install_roles
    from hamrong import config
    from hamrong.stack.kafka import create_topics, missing_topics
    from triage.store import client

    cfg = config.load()
    absent = missing_topics(cfg.kafka.bootstrap_servers, cfg.kafka)
    if absent and not args.dry_run:
        create_topics(cfg.kafka.bootstrap_servers, cfg.kafka)
    made = "would be created" if args.dry_run else "created"
    for topic in (cfg.kafka.raw_topic, cfg.kafka.dead_topic, cfg.kafka.alerts_topic):
        print(f"topic {topic}: {made if topic in absent else 'unchanged'}")
    with client(cfg.opensearch) as opensearch:
        for alias in (cfg.opensearch.alerts_alias, cfg.opensearch.shadow_alias):
            for name, done in install_templates(opensearch, args.replicas, alias, args.dry_run).items():
                print(f"index template {name}: {done}")
        for install in (install_policies, install_roles):
            for sentence in install(opensearch, cfg.opensearch, args.dry_run):
                print(sentence)
    return 0

"""init: what Kafka and OpenSearch must hold before the first line: topics and index templates."""

from __future__ import annotations

import argparse

SUMMARY = "make the topics in Kafka and the index templates in OpenSearch"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--replicas", type=int, metavar="N", help="copies of each index (default: keep, else 0)")


def run(args: argparse.Namespace) -> int:
    from dashboards.loader import install_templates
    from hamrong import config
    from hamrong.stack.kafka import create_topics
    from triage.store import client

    cfg = config.load()
    create_topics(cfg.kafka.bootstrap_servers, cfg.kafka)
    print(f"topics: {', '.join((cfg.kafka.raw_topic, cfg.kafka.dead_topic, cfg.kafka.alerts_topic))}")
    with client(cfg.opensearch) as opensearch:
        for alias in (cfg.opensearch.alerts_alias, cfg.opensearch.shadow_alias):
            for name, done in install_templates(opensearch, args.replicas, alias).items():
                print(f"index template {name}: {done}")
    return 0

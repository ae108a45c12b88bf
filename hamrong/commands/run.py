"""run: the continuous jobs, from raw lines to alerts, in one Spark session."""

from __future__ import annotations

import argparse
import logging

SUMMARY = "run the Spark jobs: detect, count, correlate, anomaly"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="only these (default: all)")


def run(args: argparse.Namespace) -> int:
    from dashboards.loader import install_templates
    from hamrong import config
    from hamrong.errors import HamrongError
    from jobs import streams
    from triage.store import client

    if unknown := set(args.jobs) - set(streams.JOBS):
        raise HamrongError(f"no job named {', '.join(sorted(unknown))}; the jobs are {', '.join(streams.JOBS)}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("py4j", "opensearch"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    cfg = config.load()
    with client(cfg.opensearch) as opensearch:
        for alias in (cfg.opensearch.alerts_alias, cfg.opensearch.shadow_alias):
            install_templates(opensearch, alias=alias)
    streams.run(cfg, args.jobs or streams.JOBS)
    return 0

"""dashboards: boards built from their sources and put into OpenSearch Dashboards."""

from __future__ import annotations

import argparse

SUMMARY = "boards: build, check, import"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    build = actions.add_parser("build", help="write dashboards/*.ndjson from dashboards/objects/*.yml")
    build.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    build.set_defaults(act=_build)

    check = actions.add_parser("check", help="run the search of every chart; exit 1 if one fails or finds nothing")
    check.set_defaults(act=_check)

    imports = actions.add_parser("import", help="put the boards and the time zone into OpenSearch Dashboards")
    imports.add_argument("--url", required=True, metavar="URL", help="such as http://127.0.0.1:5601")
    imports.add_argument(
        "--user",
        metavar="NAME",
        help="default opensearch.user; its password is opensearch.password of the configuration",
    )
    imports.add_argument(
        "--tenant", default="global", metavar="NAME", help="tenant of the security plugin (%(default)s)"
    )
    imports.add_argument("--ca-file", default="", metavar="FILE", help="certificate authority of an https URL")
    imports.set_defaults(act=_import)


def run(args: argparse.Namespace) -> int:
    return int(args.act(args))


def _build(args: argparse.Namespace) -> int:
    from dashboards import build

    stale = 0
    for source in build.boards():
        target, content = build.built_file(source), build.build(source)
        standing = target.read_text(encoding="utf-8") if target.exists() else None
        if standing == content:
            print(f"{target.name}: up to date")
        elif args.check:
            print(f"{target.name}: stale; run: hamrong dashboards build")
            stale += 1
        else:
            target.write_text(content, encoding="utf-8")
            print(f"{target.name}: written")
    return 1 if stale else 0


def _check(args: argparse.Namespace) -> int:
    from opensearchpy import OpenSearchException

    from dashboards import build, queries
    from hamrong import config
    from triage.store import client

    cfg = config.load().opensearch
    bad = 0
    with client(cfg) as opensearch:
        for source in build.boards():
            for search in queries.searches(build.built_file(source)):
                index = search.index.replace("soc-alerts", cfg.alerts_alias, 1)
                try:
                    filled = queries.fills(search.body, opensearch.search(index=index, body=search.body))
                    outcome = "ok" if filled else "finds nothing"
                except OpenSearchException as error:
                    outcome = f"fails: {error}"
                bad += outcome != "ok"
                print(f"{source.stem}: {search.title}: {outcome}")
    return 1 if bad else 0


def _import(args: argparse.Namespace) -> int:
    import yaml

    from dashboards import build
    from dashboards.importer import Dashboards, apply_settings, import_boards
    from hamrong import config

    cfg = config.load().opensearch
    user = cfg.user if args.user is None else args.user
    there = Dashboards(args.url, user, cfg.password, args.tenant, args.ca_file, cfg.timeout_seconds)
    refused = 0
    for done in import_boards(there, [build.built_file(source) for source in build.boards()]):
        print(f"{done.board}: {done.objects} objects imported")
        for sentence in done.refused:
            print(f"{done.board}: refused: {sentence}")
        refused += len(done.refused)
    apply_settings(there, yaml.safe_load(build.SETTINGS.read_text(encoding="utf-8")))
    return 1 if refused else 0

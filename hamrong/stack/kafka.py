"""kafka: one Kafka node (KRaft: broker and controller in one process) on loopback.

In:   the fetched jars, the Java on PATH
Out:  a broker whose data lie in `kafka/` under the stack's home; the project's topics
Docs: Kafka 4.1, "KRaft", "Broker Configs"
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from hamrong import config
from hamrong.errors import ServiceError
from hamrong.stack.identity import cluster_id
from hamrong.stack.jars import jars
from hamrong.stack.java import find_java
from hamrong.stack.ports import LOOPBACK, any_port, choose_port, is_served
from hamrong.stack.process import Service, Services

NAME = "kafka"
HEAP = "-Xmx512m"
START_SECONDS = 90.0
EXPECTED_PORTS = {"kafka": 9092, "controller": 9093}
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{host}:{kafka},CONTROLLER://{host}:{controller}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{host}:{controller}
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# One machine's disk, not an archive: the lake keeps the lines.
log.retention.hours=72
log.retention.bytes=1073741824
log.segment.bytes=134217728
"""


def launch(services: Services, home: Path) -> Service:
    """The broker, running but perhaps not ready; on the ports of last time when they are free."""
    folder = home.resolve() / "kafka"
    ports = services.ports_of_living(NAME) or _choose_ports(folder)
    cluster = cluster_id(folder)
    libraries = jars(home, NAME)[0].parent / "*"
    java = find_java()
    properties = folder / "server.properties"
    properties.write_text(_PROPERTIES.format(host=LOOPBACK, data=folder / "data", **ports), encoding="utf-8")
    if not (folder / "data" / "meta.properties").exists():
        _format(java, libraries, properties, cluster)
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    options = [HEAP, "-XX:+ExitOnOutOfMemoryError", f"-Djava.io.tmpdir={temporary}"]
    options += [f"-XX:ErrorFile={services.logs}/kafka-crash.log", "-Dorg.apache.logging.log4j.level=WARN"]
    return services.launch(
        NAME,
        [java, *options, "-cp", libraries, "kafka.Kafka", properties],
        ports=ports,
    )


def bootstrap_servers(service: Service) -> str:
    return f"{LOOPBACK}:{service.ports['kafka']}"


def answers(service: Service, home: Path) -> bool:
    """Whether this home's broker, not another's, answers."""
    port = service.ports["kafka"]
    if not is_served(port):
        return False
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        with KafkaAdminClient(bootstrap_servers=f"{LOOPBACK}:{port}", bootstrap_timeout_ms=5_000) as client:
            return bool(client.describe_cluster()["cluster_id"] == cluster_id(home.resolve() / NAME))
    except KafkaError:
        return False


def missing_topics(bootstrap: str, settings: config.Kafka) -> set[str]:
    """The project's topics that are not there."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        with KafkaAdminClient(bootstrap_servers=bootstrap) as client:
            return set(_topics(settings)) - set(client.list_topics())
    except KafkaError as error:
        raise ServiceError(f"Kafka at {bootstrap} does not say which topics it has: {error}") from error


def _topics(settings: config.Kafka) -> dict[str, int]:
    """Each topic with its partitions."""
    return {settings.raw_topic: settings.partitions, settings.dead_topic: 1, settings.alerts_topic: 1}


def create_topics(bootstrap: str, settings: config.Kafka) -> None:
    """Sees to it that the project's topics are there; those that are stay as they are, also when another makes them."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code

    wanted = _topics(settings)
    try:
        with KafkaAdminClient(bootstrap_servers=bootstrap) as client:
            missing = wanted.keys() - client.list_topics()
            if not missing:
                return
            request = {
                topic: {"num_partitions": wanted[topic], "replication_factor": settings.replication}
                for topic in sorted(missing)
            }
            for answer in client.create_topics(request, raise_errors=False)["topics"]:
                if answer["error_code"] not in (0, TopicAlreadyExistsError.errno):
                    raise for_code(answer["error_code"])(answer["error_message"])
            client.wait_for_topics(list(request))
    except KafkaError as error:
        raise ServiceError(f"the topics {', '.join(wanted)} cannot be made on {bootstrap}: {error}") from error


def _choose_ports(folder: Path) -> dict[str, int]:
    return {
        name: choose_port(folder / f"{name}-port", [expected, any_port()]) or any_port()
        for name, expected in EXPECTED_PORTS.items()
    }


def _format(java: Path, libraries: Path, properties: Path, cluster: str) -> None:
    command: list[str | Path] = [
        java,
        "-cp",
        libraries,
        "kafka.tools.StorageTool",
        "format",
        "-t",
        cluster,
        "-c",
        properties,
    ]
    done = subprocess.run([*command, "--ignore-formatted"], capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise ServiceError(f"Kafka's storage beside {properties} cannot be prepared: {words[-1]}")

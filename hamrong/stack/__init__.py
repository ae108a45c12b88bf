"""The embedded Kafka and OpenSearch: jars, processes, ports, state under `.hamrong/`."""

"""The listeners, the spool on disk and the Kafka producer."""

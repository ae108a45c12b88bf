"""gateway: syslog over TCP, TLS and UDP -> Kafka, by way of a spool on disk.

In:   sockets (`listeners`, `framing`), which hand over to `intake` and so to the `spool`
Out:  messages in Kafka (`producer`, `session`, `delivered`); `server` puts these together. `sender` and `redate` are
      the other end, for replays.
May import nothing of ours but `hamrong.errors` and `hamrong.config`.
"""

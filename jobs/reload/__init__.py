"""reload: rules from where they are kept to every worker, while the streams run.

In:   folders, Git refs and object stores with rule files
Out:  sets of rules, published for the workers whole or not at all
Docs: docs/decisions/0009-hot-reload.md

`mirrors` brings what is elsewhere to a folder here, `watch` looks for changes, validates and publishes, `sets` is where
published sets lie and where a worker (`jobs.loaded`) finds the one that is live.
"""

"""One file a sub-command, found by glob: `SUMMARY`, `add_arguments(parser)`, `run(args) -> exit code`."""

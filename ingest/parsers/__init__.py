"""One file a log format, found by glob; the samples and their golden events stand beside each."""

"""Sigma: load, map fields, compile, match, correlate, test."""

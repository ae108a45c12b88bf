"""What streams and batches write, named by service; each docstring states its promise under replay."""

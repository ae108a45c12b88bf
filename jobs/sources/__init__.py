"""What streams and batches read."""

"""Rows and bytes: the task table, which is also the queue, and the blobs. Knows SQL and files, not HTTP or torch."""

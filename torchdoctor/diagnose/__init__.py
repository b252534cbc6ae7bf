"""From any pasted failure to its root cause: read, match, rank, answer."""

"""One file a check; found without any list."""

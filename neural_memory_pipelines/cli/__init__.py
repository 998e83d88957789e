"""The `neural-memory` command."""

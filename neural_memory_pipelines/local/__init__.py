"""The embedded stack: local services that stand in for the real stores."""

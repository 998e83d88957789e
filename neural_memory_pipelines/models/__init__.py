"""Models: the only place for model SDKs. Each has a Protocol and its implementations."""

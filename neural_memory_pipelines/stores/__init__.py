"""Stores: the only place for store SDKs. Each has a Protocol and its implementations."""

"""Profiles of entities as pure computation: centroids, how far they drift, and what describes an entity.

What they are computed from is read and kept by the steps and stores.
"""

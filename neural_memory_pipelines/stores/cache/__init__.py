"""Caches. Never the only holder of anything."""

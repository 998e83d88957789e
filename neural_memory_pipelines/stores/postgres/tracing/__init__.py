"""Provenance, as Postgres knows it: what there is under an id, what that was made from, and what was made from it."""

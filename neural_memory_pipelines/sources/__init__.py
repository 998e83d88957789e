"""Payloads of source systems, read into drafts: one pure module per system."""

"""Summarizers: evidence to dated sentences that name it."""

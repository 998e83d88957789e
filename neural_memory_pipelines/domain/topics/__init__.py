"""Topics: groups of observations that mean alike, and what becomes of them from night to night.

Values and pure decisions. Clustering itself comes from outside, as a function; nothing is read or written here.
"""

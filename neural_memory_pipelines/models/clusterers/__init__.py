"""Clusterers: from vectors to groups of rows. Which groups are topics, and which ids they bear, is not decided here."""

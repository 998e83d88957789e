"""Evaluation of a memory: its questions are asked, measured, compared, kept and reported."""

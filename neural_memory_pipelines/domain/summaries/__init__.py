"""Summaries: what they are made of, which sentences are chosen, what a generated one must rest on. No model, no IO."""

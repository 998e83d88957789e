"""The steps of a night: topics, summaries, profiles, aging, and the record of it. Each module is one step."""

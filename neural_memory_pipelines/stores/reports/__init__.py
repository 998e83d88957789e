"""Services outside that are told how evaluations went. Never the only holder of anything."""

"""Raw artifacts and the inbox."""

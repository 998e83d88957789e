"""The life of embedding versions: proposed, built, judged, promoted, rolled back, archived."""

"""The read path: candidates, fusion, hydration."""

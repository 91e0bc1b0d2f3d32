"""What the page Retrieval shows: passages by settings, thresholds, and what was missed."""

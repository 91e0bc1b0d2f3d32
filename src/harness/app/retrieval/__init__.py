"""The page Retrieval: what is read of passages, and how it is drawn."""

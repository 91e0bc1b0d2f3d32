"""The page Sweep: watching it run, and what its axes do."""

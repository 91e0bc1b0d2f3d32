"""Two runs, or a few, on the same examples: differences with intervals, and the examples that changed."""

"""The page Playground: asking, keeping what was said, keeping a question."""

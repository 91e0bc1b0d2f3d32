"""The page Regression: nights as they are read, drawn, and looked at singly."""

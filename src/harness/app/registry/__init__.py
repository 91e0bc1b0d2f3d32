"""The page Registry: versions as they are read, shown, set side by side, and promoted."""

"""What the page Playground shows: configurations to talk to, and questions that are kept."""

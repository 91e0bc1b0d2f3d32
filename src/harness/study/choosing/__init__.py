"""All variants against each other: which are best, what each axis does, and what a winner is really worth."""

"""What the page Regression shows: series of nights, where a loss began, what broke."""

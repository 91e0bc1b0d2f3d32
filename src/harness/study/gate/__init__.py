"""The gate: whether a candidate may replace a baseline, one night or a quarter of nights."""

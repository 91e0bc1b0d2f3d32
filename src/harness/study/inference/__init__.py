"""How sure one can be of a difference between two variants: tests, intervals, power, components of variance."""

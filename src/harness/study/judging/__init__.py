"""Judges and people: what was labelled, how far they agree, and what must be said beside a judge's score."""

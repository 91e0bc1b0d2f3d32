"""What the page Example shows: one question across variants, its sources, its prompt."""

"""The page Label: what is drawn for one person, how it is shown, what is pressed, what was given."""

"""What the page Label shows: the pool of answers, the questions about them, the labels given."""

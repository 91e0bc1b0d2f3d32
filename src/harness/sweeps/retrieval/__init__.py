"""From a question to what the model gets of the knowledge base, every distinct step done once."""

"""The reading wing: it reads run folders and can neither start work nor need a key."""

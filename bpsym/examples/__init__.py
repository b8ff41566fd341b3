"""Examples: a network with numbers, data and training, and the files they are read from."""

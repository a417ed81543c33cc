"""A small news site of our own writing, served on this machine, to see the whole job work without a network."""

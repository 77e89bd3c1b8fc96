"""Training small networks on small pictures: the data, the plain loop, what it finds, and races of several networks."""

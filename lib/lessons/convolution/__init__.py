"""The lesson on the arithmetic of a convolution: its window, the size of its output, its weights, and what it equals."""

"""The lesson on ResNeXt: many narrow paths that are one grouped convolution, and what they cost and buy."""

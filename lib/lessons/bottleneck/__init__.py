"""The lesson on the bottleneck: a 1x1 convolution reduces, a 3x3 works on the few, a 1x1 restores."""

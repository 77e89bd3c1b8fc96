"""The lesson on Inception: branches side by side, 1x1 reductions, the stem, kernels taken apart, auxiliary classifiers."""

"""The lesson on attention in channels: squeeze and excitation, selective kernels and split attention."""

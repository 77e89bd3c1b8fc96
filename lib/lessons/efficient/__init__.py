"""The lesson on efficient networks: depthwise separable convolutions, inverted residuals, shuffled channels, and a race."""

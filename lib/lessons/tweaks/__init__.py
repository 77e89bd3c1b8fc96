"""The lesson on ResNet-B, -C and -D: what a strided block never reads, and what three tweaks cost and gain."""

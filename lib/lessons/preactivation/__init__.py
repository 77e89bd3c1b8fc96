"""The lesson on identity mappings: five orderings of a residual unit, and why nothing should act on the sum."""

"""The panels of the timing lab's page."""

"""The page on which networks learn, side by side."""

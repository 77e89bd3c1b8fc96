"""What the network sees, on the page: the picture, the maps to click, the sum behind a cell, gates, the effective field."""

"""What a network sees: its maps, its scores, and the sum behind each cell, with the weights that it has."""

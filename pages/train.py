"""Train: networks that learn side by side."""

from lib.ui.train.page import show

show()

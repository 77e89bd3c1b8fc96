"""The start page without a browser."""

import lib
from tests.pages.app import checked, open_page


def test_lists_every_network():
    app = checked(open_page("atlas"))
    shown = [row for table in app.dataframe for row in table.value["preset"]]
    assert sorted(shown) == sorted(f"/explore?preset={preset}" for preset in lib.presets())

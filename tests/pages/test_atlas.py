"""The Atlas without a browser: every view, every control moved, links read and written."""

import pytest

import lib
from lib import catalog
from lib.analysis import atlas
from tests.pages.app import address, checked, open_page

VIEWS = ("accuracy", "lineage", "timeline", "winners", "networks")


def test_opens_with_accuracy_against_cost():
    app = open_page("atlas")
    table = app.dataframe[0].value
    assert len(table) == len(atlas.points(atlas.protocols()[0])) and set(table["family"]) <= {
        family.name for family in catalog.families().values()}
    assert address(app) == {}


def test_the_timeline_has_every_family():
    table = open_page("atlas", view="timeline").dataframe[0].value
    assert list(table["family"]) == [family.name for family in catalog.families().values() if family.paper]
    assert list(table["year"]) == sorted(table["year"])


def test_lists_every_network_with_its_totals():
    table = open_page("atlas", view="networks").dataframe[0].value
    assert sorted(table["preset"]) == sorted(f"/explore?preset={preset}" for preset in catalog.published())
    row = table[table["preset"] == "/explore?preset=resnet50"].iloc[0]
    assert (row["params"], row["macs"], row["layers"]) == (25_557_032, 4_089_184_256, 50)


def test_every_view_by_its_control():
    app = open_page("atlas")
    for view in reversed(VIEWS):
        checked(app.button_group(key="atlas_view").set_value(view).run())
        assert address(app) == ({} if view == "accuracy" else {"view": view})
        assert app.dataframe or app.table


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_by_its_link(view):
    app = open_page("atlas", view=view)
    assert app.button_group(key="atlas_view").value == view
    assert not app.warning
    if view == "lineage":
        assert len(app.get("bidi_component")) > 1  # every page has the one that watches the connection
    else:
        assert view == "networks" or app.get("plotly_chart")


@pytest.mark.parametrize("protocol", atlas.protocols())
def test_every_protocol(protocol):
    app = open_page("atlas", view="accuracy")
    checked(app.button_group(key="atlas_protocol").set_value(protocol).run())
    assert len(app.dataframe[0].value) == len(atlas.points(protocol))
    assert address(app).get("protocol", atlas.protocols()[0]) == protocol
    assert any(protocol in caption.value for caption in app.caption)
    assert open_page("atlas", view="accuracy", protocol=protocol).button_group(key="atlas_protocol").value == protocol


def test_links_of_results_carry_their_knobs():
    for protocol in atlas.protocols():
        table = open_page("atlas", view="accuracy", protocol=protocol).dataframe[0].value
        for row, point in zip(table.itertuples(), atlas.points(protocol)):
            assert f"preset={point.result.preset}" in row.preset
            assert all(name in row.preset for name in point.result.knobs)
            assert (row.params, row.macs) == (point.totals.params, point.totals.macs)


def test_the_lineage_table_has_every_change():
    table = open_page("atlas", view="lineage").dataframe[0].value
    assert len(table) == len(atlas.lineage())
    row = table[table["child"] == "/explore?preset=seresnet50"].iloc[0]
    assert row["params"] == f"{lib.analyze('seresnet50').params - lib.analyze('resnet50').params:+,}"
    assert row["params_change"] == "+9.90 %"
    row = table[table["parent"] == "/explore?preset=lenet5"].iloc[0]
    assert (row["params_change"], row["macs_change"]) == ("× 988", "× 1,740")


def test_says_that_winners_were_ensembles():
    app = open_page("atlas", view="winners")
    table = app.table[0].value
    winners = dict(zip(map(int, table["Year"]), table["Winner"]))
    assert (winners[2013], winners[2014]) == ("Clarifai", "GoogLeNet")
    assert list(table["What ran"]).count("Ensemble of 7 networks, 144 crops an image.") == 1
    assert sum("not verified" in depth for depth in table["Depth"]) == 2


@pytest.mark.parametrize("parameters, word", [
    ({"view": "nonsense"}, "choose one of accuracy"), ({"view": "<script>alert(1)</script>"}, "not possible"),
    ({"protocol": "10-crop"}, "torchvision 224"), ({"colour": "![x](http://x)"}, "There is no"),
    ({"view": "lineage", "protocol": ""}, "not possible"),
])
def test_a_bad_link_gets_a_plain_sentence_and_the_page_works(parameters, word):
    app = open_page("atlas", **parameters)
    assert len(app.warning) == 1 and word in app.warning[0].value.replace("\\", "")
    checked(app.button_group(key="atlas_view").set_value("networks").run())
    assert address(app) == {"view": "networks"}

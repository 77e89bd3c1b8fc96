"""The panel on the memory of training, without a browser and without a run."""

import pytest

from tests.pages.app import checked, open_page


@pytest.fixture(scope="module")
def opened():
    return open_page("timing", view="memory", a="mobilenet_v2", **{"a.input_size": "64"})


def budget(app):
    """The table of batch sizes."""
    return next(table.value for table in app.dataframe if "Fits in" in table.value)


def test_the_budget_stands_without_a_run(opened):
    table = budget(opened)
    assert list(table["Batch"]) == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert set(table["Fits in"]) == {"8 GB card"}
    assert any("trains **` mobilenet" in caption.value for caption in opened.caption)


def test_the_optimiser_changes_its_part_alone(opened):
    before = budget(opened)
    opened.segmented_control(key="timing_optimiser").set_value("adam")
    after = budget(checked(opened.run()))
    assert list(after["Weights"]) == list(before["Weights"]) and list(after["Optimiser"]) != list(before["Optimiser"])


def test_a_batch_that_cannot_be_trained_is_said():
    app = open_page("timing", view="memory", a="skresnet18", **{"a.input_size": "64"})
    assert 1 not in list(budget(app)["Batch"])
    assert any("cannot be trained at batch 1" in info.value.replace("\\", "") for info in app.info)

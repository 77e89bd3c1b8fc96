"""Recorded races drawn, for all lessons: learning over the epochs, the ends over the learning rate."""

from lib.figures.learning import learning
from lib.figures.lines import lines
from lib.lessons.content import Chart
from lib.lessons.curves import QUANTITIES, Rated, Runs, again, all_rates, end, end_written, origin, points
from lib.text import _


def chart(runs: Runs, quantity: str = "train_error", guess: str = "") -> Chart:
    """A line for each network over the epochs, a band over its seeds."""
    title, epochs = QUANTITIES[quantity], max(curve.settings.epochs for curves in runs.values() for curve in curves)
    series = {name: [points(curve, quantity) for curve in curves] for name, curves in runs.items()}
    ends = "; ".join(f"{name} {end_written(curves, quantity)}" for name, curves in runs.items())
    return Chart(lambda palette: learning(series, palette, title, epochs, log=quantity == "gradient_norm"), guess=guess,
                 alt=_("{title} over {epochs} epochs. At the end, median of the seeds: {ends}").format(
                     title=title, epochs=epochs, ends=ends), origin=origin(runs), run=again(runs))


def over_rates(rated: Rated) -> Chart:
    """The training error at the end over the learning rate, a line for each network: the median of the seeds."""
    rates = list(next(iter(rated.values())))
    series = {name: [end(curves).median for curves in found.values()] for name, found in rated.items()}
    each = "; ".join(f"{name} {', '.join(f'{value:.1f}' for value in values)}" for name, values in series.items())
    runs = all_rates(rated)
    return Chart(lambda palette: lines(rates, series, palette, _("learning rate"), QUANTITIES["train_error"], "x"),
                 alt=_("Training error at the end, %, at the rates {rates}: {each}").format(
                     rates=", ".join(f"{rate:g}" for rate in rates), each=each), origin=origin(runs), run=again(runs))

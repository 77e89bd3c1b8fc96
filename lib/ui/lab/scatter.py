"""MACs against milliseconds: whose times are what their MACs say, and whose are not."""

import pandas as pd
import streamlit as st

from lib.digits import rounded, text
from lib.figures.lab_scatter import GROUPS, scatter
from lib.lab import against_macs, shipped
from lib.lab.against_macs import FAR, Outlier, Rate, Traits, Typical
from lib.lab.latency_tables import machine
from lib.records import Latency
from lib.text import literal, prose
from lib.ui import _, current_palette
from lib.ui.address import plain
from lib.ui.lab import many
from lib.ui.lab.asked import Asked
from lib.ui.lab.shipped import MACHINES
from lib.ui.provenance import mark

number = st.column_config.NumberColumn
TRAITS = {"holds": _("Holds"), "depthwise": number(_("Depthwise, of MACs"), format="percent"),
          "grouped": number(_("Grouped, of MACs"), format="percent"), "gates": _("Gates"), "operations": _("Operations"),
          "macs_per_operation": number(_("MACs an operation"), format="compact"),
          "bytes_per_mac": number(_("Bytes a MAC"), format="%.3f", help=_("Activations written and weights read, in float32."))}
TIMES = {"network": _("Network"), "family": _("Family"), "input_size": _("Input, px"),
         "ms": number(_("Median, ms"), format="%g"),
         "gmacs": number(_("GMACs of a pass"), format="%.3f"), "ms_per_gmac": number(_("ms per GMAC"), format="%g"),
         "factor": number(_("Times the common rate"), format="%g"), "machine": _("Machine")}


def show(asked: Asked) -> None:
    """The panel of the tab."""
    st.markdown(prose("timing_scatter", "Question"))
    many.show(asked, _show_traits, shipped.catalogues(), _show_rates)


def _show_traits(asked: Asked) -> None:
    """What is known without a time here: what the networks' traces hold."""
    st.caption(prose("timing_scatter", "Before"))
    rows = [(label, *_traits(Traits.of(analysis), asked.setting.batch))
            for label, analysis in zip(asked.labels, asked.analyses)]
    st.dataframe(pd.DataFrame(rows, columns=["network", *TRAITS]), hide_index=True, key="scatter_traits",
                 column_config={"network": _("Network"), **TRAITS})
    mark("computed")


def _traits(traits: Traits, batch: int) -> tuple:
    return (GROUPS[traits.group][0], traits.depthwise, traits.grouped, traits.gates, traits.operations,
            traits.macs_per_operation, traits.bytes_per_mac(batch))


def _show_rates(times: list[Latency], place: str) -> None:
    """The picture, the families far from their MACs, and the table."""
    with st.spinner(_("Counting what the networks hold")):
        rates = against_macs.rates(times)
    outliers, device, batch = against_macs.outliers(rates), plain(place), rates[0].latency.batch
    st.plotly_chart(scatter(rates, outliers, current_palette()), key="scatter_chart", config={"displayModeBar": False},
                    alt=_("Milliseconds against multiply-adds; the table below holds the same."))
    mark("measured", _("times, on {device}; MACs and what networks hold are computed, for images of {sizes} pixels").format(
        device=device, sizes=many.sizes(times)))
    sound = against_macs.sound(rates)
    if len(sound) < len(rates):
        st.caption(prose("timing_scatter", "Left out", unsound=len(rates) - len(sound), all=len(rates)))
    if sound:
        st.markdown(prose("timing_scatter", "Line", rate=f"{against_macs.common(rates):.2g}", far=f"{FAR:g}"))
        _name_outliers(outliers, Typical.of(sound), device)
    shown = pd.DataFrame([
        (rate.latency.label, rate.family.name, rate.latency.input_size,
         *(rounded(value, rate.latency.latency_ms.figures)
           for value in (rate.latency.latency_ms.median, rate.ms_per_gmac, rate.factor)),
         rate.gmacs, MACHINES[machine(rate.latency)], *_traits(rate.traits, batch)) for rate in rates],
        columns=["network", "family", "input_size", "ms", "ms_per_gmac", "factor", "gmacs", "machine", *TRAITS])
    st.dataframe(shown, hide_index=True, key="scatter_table", column_config=TIMES | TRAITS, column_order=[*TIMES, *TRAITS])
    mark("measured", _("as above; the slowest for its MACs comes first"))
    st.download_button(_("Download CSV"), lambda: many.csv(shown, [rate.latency for rate in rates]), "macs_against_time.csv",
                       "text/csv", on_click="ignore", key="scatter_csv")


def _name_outliers(outliers: list[Outlier], typical: Typical, device: str) -> None:
    """The families that are far from their MACs, numbered as in the picture, with what their traces hold."""
    if not outliers:
        st.markdown(prose("timing_scatter", "None far", device=device))
        return
    lines = []
    for index, outlier in enumerate(outliers, 1):
        more = {"family": literal(outlier.family.name), "networks": outlier.networks,
                "network": plain(outlier.middle.latency.label)}
        borne = outlier.middle.latency.latency_ms.figures
        if outlier.factor > 1:
            first = prose("timing_scatter", "Slower", factor=text(outlier.factor, min(borne, 2)), **more)
        else:
            first = prose("timing_scatter", "Faster", factor=f"{rounded(outlier.factor, min(borne, 2)):.0%}", **more)
        said = _reasons(outlier.middle, typical)
        lines.append(f"{index}. " + " ".join([first, *(said[reason] for reason in outlier.reasons or ["unexplained"])]))
    st.markdown("\n".join(lines))
    st.caption(prose("timing_scatter", "Inference"))


def _reasons(rate: Rate, typical: Typical) -> dict[str, str]:
    """A sentence for every reason there may be."""
    own = rate.traits
    moved_bytes = {"own": f"{own.bytes_per_mac(rate.latency.batch):.2g}", "typical": f"{typical.bytes_per_mac:.2g}"}
    macs = {"operations": own.operations, "own": f"{own.macs_per_operation:,.0f}", "typical": f"{typical.macs_per_operation:,.0f}"}
    return {"depthwise": prose("timing_scatter", "Depthwise", share=f"{own.depthwise:.0%}"),
            "grouped": prose("timing_scatter", "Grouped", share=f"{own.grouped:.0%}"),
            "gates": prose("timing_scatter", "Gates", count=own.gates),
            "bytes": prose("timing_scatter", "Bytes", **moved_bytes),
            "few_bytes": prose("timing_scatter", "Few bytes", **moved_bytes),
            "small": prose("timing_scatter", "Small", **macs), "large": prose("timing_scatter", "Large", **macs),
            "unexplained": prose("timing_scatter", "Unexplained")}

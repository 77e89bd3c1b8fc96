"""What an output can see, layer by layer, and what it listens to at initialisation."""

from typing import Any

import streamlit as st

from lib.figures import effective_field as figures
from lib.lessons import receptive_field as fields
from lib.lessons.receptive_field import DEEPEST
from lib.text import prose
from lib.ui import _, current_palette, lesson
from lib.ui.measuring import measured
from lib.ui.provenance import mark, on_maps

CHANNELS = (16, 32, 64, 128, 256, 512)
QUIET = {"displayModeBar": False}


def show_network(network: str, stage: int, seed: int) -> None:
    ends = fields.stage_ends(network)
    names, end, image = fields.stage_names(network), ends[stage - 1], fields.analysis(network).knobs.input_size
    st.markdown(prose("receptive_field", "Theory", network=network, stage=names[stage - 1], size=end.field.side,
                      jump=max(end.field.jump)))
    effective = measured(_("Backpropagating"), fields.of_network, network, stage, seed)
    left, right = st.columns(2)
    with left:
        st.markdown(_("**What it can see, stage by stage**"))
        spans = [op.field.middle()[1] for op in ends]
        st.plotly_chart(figures.nested(names, spans, image, stage - 1, current_palette()), key="nested", config=QUIET,
                        alt=_("Theoretical fields of the stages as nested squares on the image"))
        mark("computed")
    with right:
        st.markdown(_("**What it listens to at initialisation**"))
        show_heat(effective, "network")
        mark("measured", _("mean of {count} random images, seed {seed}").format(count=fields.IMAGES, seed=seed))
    st.markdown(prose("receptive_field", "Measured", narrow=fields.NARROW, **effective.fields()))
    if effective.size > image:
        st.markdown(prose("receptive_field", "Outside"))
    with st.expander(_("Every layer on the way: r + (k − 1)·j, then j·s"), expanded=False):
        st.dataframe(fields.layers(network, stage), hide_index=True, key="layers")
        mark("computed")
    with st.expander(_("The network's graph")):
        lesson.network_graph(fields.analysis(network))
    lesson.explore_link(network)


def show_heat(effective: fields.Effective, key: str) -> None:
    st.plotly_chart(figures.heat(effective, current_palette()), key=f"heat_{key}", config=QUIET,
                    alt=_("|gradient| of every pixel: half of it within {half} px, theoretical field {theory} px").format(
                        half=effective.half, theory=effective.size))


def show_stacks(channels: int) -> None:
    stacks = fields.stacks(channels)
    names = dict(zip(("five", "two", "seven", "three"), (f"{block.weights:,}" for block in stacks.values())))
    st.markdown(prose("receptive_field", "Stacks", channels=channels, **names))
    left, right = st.columns(2)
    with left:
        st.plotly_chart(figures.cone(current_palette()), key="cone", config=QUIET,
                        alt=_("One cell after three 3×3 sees 3 cells before the last, 5 before two of them, 7 before all"))
        mark("computed")
    with right:
        st.dataframe(stacks.table(), hide_index=True, key="stacks")
        mark("computed", _("{maps}, without biases").format(maps=on_maps(fields.MAP)))
    for column, (name, block) in zip(st.columns(4), stacks.items()):
        with column:
            lesson.block_card(name, block)
    st.markdown(prose("receptive_field", "Stacks limits"))


def show_chain(knobs: dict[str, Any]) -> None:
    found = measured(_("Backpropagating"), fields.of_chain, knobs["strided"], knobs["shortcuts"], knobs["seed"])
    depth = knobs["depth"]
    effective = found[depth - 1]
    st.markdown(prose("receptive_field", "Effective", convolutions=2 * depth, strided=min(depth, knobs["strided"]),
                      **effective.fields()))
    left, right = st.columns(2)
    with left:
        show_heat(effective, "chain")
    with right:
        st.plotly_chart(figures.profile(effective, current_palette()), key="profile", config=QUIET,
                        alt=_("Share of the gradient of each column of pixels, and a Gaussian of the same variance"))
    mark("measured", _("mean of {count} random images, seed {seed}").format(count=fields.CHAIN_IMAGES, seed=knobs["seed"]))
    st.markdown(prose("receptive_field", "Growth"))
    left, right = st.columns(2)
    with left:
        st.plotly_chart(figures.growth(found, depth - 1, current_palette()), key="growth", config=QUIET,
                        alt=_("Theoretical and measured sides over the depth; the table holds the same"))
    with right:
        st.dataframe(fields.by_depth(found), hide_index=True, key="by_depth")
    mark("measured", _("sides of the squares, seed {seed}").format(seed=knobs["seed"]))
    with st.expander(_("The chain's graph")):
        lesson.block_card(_("The chain"), fields.chain_analysis(depth, knobs["strided"], knobs["shortcuts"]))


def show_outgrown() -> None:
    listed = fields.listed()
    st.markdown(prose("receptive_field", "Outgrow", **fields.outgrown(listed)))
    st.plotly_chart(figures.bars(listed, current_palette()), key="outgrown", config=QUIET,
                    alt=_("Side of the theoretical field over the side of the image; the table holds the same"))
    st.dataframe(listed, hide_index=True, height="content", key="listed")
    mark("computed")
    mark("published", _("Araujo, Norris, Sim 2019, “Computing Receptive Fields of Convolutional Neural Networks”, its table"))
    st.markdown(prose("receptive_field", "Caveat"))


st.title(_("Receptive field"), anchor=False)
st.markdown(prose("receptive_field", "Question"))
knobs = lesson.knobs("receptive_field", {
    "network": lesson.Knob(_("Network"), *fields.NETWORK, _("A real network, for the first pictures.")),
    "stage": lesson.Knob(_("Stage"), *fields.STAGE, _("The output in the middle of the map at the end of this stage.")),
    "channels": lesson.Knob(_("Channels of the stacks"), CHANNELS, 64, _("C: channels in and out of the 5×5, 7×7 and 3×3.")),
    "depth": lesson.Knob(_("Blocks in the chain"), tuple(range(1, DEEPEST + 1)), 6, _("Each is two 3×3 convolutions.")),
    "strided": lesson.Knob(_("Blocks with stride 2"), *fields.STRIDED, _("The first ones of the chain.")),
    "shortcuts": lesson.Knob(_("Shortcuts in the chain"), *fields.SHORTCUTS, _("Residual blocks in place of plain ones.")),
    "seed": lesson.Knob(_("Seed"), *fields.SEED, _("Of the initial weights and the images.")),
})

st.subheader(prose("receptive_field", "Theory heading"), anchor="theory")
show_network(knobs["network"], knobs["stage"], knobs["seed"])
st.subheader(prose("receptive_field", "Stacks heading"), anchor="stacks")
show_stacks(knobs["channels"])
st.subheader(prose("receptive_field", "Effective heading"), anchor="effective")
show_chain(knobs)
st.subheader(prose("receptive_field", "Outgrow heading"), anchor="outgrow")
show_outgrown()

lesson.try_it(prose("receptive_field", "Try"))
lesson.sources([fields.chain, fields.backpropagate, fields.summarize])

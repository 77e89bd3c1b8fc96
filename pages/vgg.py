"""AlexNet, ZFNet and VGG: where the cost lies, and what VGG's rules do to it."""

import streamlit as st

from lib.architecture import Impossible
from lib.figures import lesson_vgg as figures
from lib.lessons import vgg
from lib.models.alexnet import AlexNet, AlexNet2012
from lib.models.heads import head
from lib.models.vgg import VGG
from lib.models.zfnet import ZFNet
from lib.text import prose
from lib.ui import _, current_palette, lesson
from lib.ui.address import plain
from lib.ui.provenance import images_of, mark, on_maps

BARE = {"displayModeBar": False}
NUMBERS = {name: st.column_config.NumberColumn(format="localized") for name in ("Parameters", "MACs")}

st.title(_("AlexNet to VGG"), anchor=False)
st.markdown(prose("vgg", "Question"))
knobs = lesson.knobs("vgg", {
    "network": lesson.Knob(_("Network of the first section"), vgg.NETWORKS, "alexnet",
                           _("alexnet is the one-tower network of 2014, which the lecture shows.")),
    "size": lesson.Knob(_("Its image"), (224, 227), 227, _("Height and width in pixels.")),
    "depth": lesson.Knob(_("VGG depth"), vgg.DEPTHS, 16, _("Weight layers: configurations A, B, D and E.")),
    "width": lesson.Knob(_("VGG width"), (16, 32, 64, 128), 64, _("Channels of the first stage.")),
    "growth": lesson.Knob(_("Growth at a halving"), (1, 2, 4), 2, _("What the channels are multiplied by; VGG doubles.")),
    "classes": lesson.Knob(_("Classes"), (10, 100, 1000), 1000, _("Outputs of the last linear layer.")),
})
colours, depth, width = current_palette(), knobs["depth"], knobs["width"]

st.subheader(prose("vgg", "Trends heading"), anchor="trends")
try:
    network = vgg.analysis(knobs["network"], input_size=knobs["size"])
except Impossible as problem:
    st.error(plain(str(problem)))
else:
    st.markdown(prose("vgg", "Trends", **vgg.trends(network)))
    st.plotly_chart(figures.shares(vgg.rows(network), colours), key="shares", config=BARE,
                    alt=_("Bars: shares of memory, parameters and MACs by layer"))
    mark("computed", images_of(network))
    graph, table = st.columns([2, 3])
    with graph:
        lesson.network_graph(network)
    with table:
        st.dataframe(vgg.layer_table(network), hide_index=True, key="layers", height="content",
                     column_config=NUMBERS | {"Memory, KiB": st.column_config.NumberColumn(format="%.1f")})
        mark("computed", images_of(network))
    lesson.explore_link(network.preset, {"input_size": knobs["size"]})
st.markdown(prose("vgg", "Which AlexNet", **vgg.alexnet_fields()))

st.subheader(prose("vgg", "Slides heading"), anchor="slides")
st.markdown(prose("vgg", "Slides"))
st.dataframe(vgg.lecture(), hide_index=True, key="lecture")
mark("unverified", _("the column “Slide” (EECS-498, lecture 8); the others are computed, {images}").format(
    images=images_of(*vgg.lectured())))

st.subheader(prose("vgg", "ZFNet heading"), anchor="zfnet")
st.markdown(prose("vgg", "ZFNet", **vgg.zf_fields()))
st.plotly_chart(figures.layer_costs(vgg.ZF, [vgg.weight_layers(preset) for preset in vgg.ZF], colours), key="zf",
                config=BARE, alt=_("Bars: MACs of each layer of AlexNet and ZFNet"))
mark("computed", images_of(*map(vgg.analysis, vgg.ZF)))
st.dataframe(vgg.zf_table(), hide_index=True, key="zf_table")
mark("computed", images_of(*map(vgg.analysis, vgg.ZF)))
st.dataframe(vgg.ERRORS, hide_index=True, key="errors")
mark("published", _("Zeiler, Fergus 2013, Table 2: ILSVRC 2012, validation set"))

st.subheader(prose("vgg", "Rules heading"), anchor="rules")
st.markdown(prose("vgg", "Rules"))
st.dataframe(vgg.kernel_table(width), hide_index=True, key="kernels")
mark("computed", on_maps(vgg.KERNEL_MAP))

st.subheader(prose("vgg", "Why heading"), anchor="why")
st.markdown(prose("vgg", "Why"))
steps = vgg.ladder(width, knobs["growth"])
st.plotly_chart(figures.ladder(steps, colours), key="ladder", config=BARE,
                alt=_("Lines: MACs, weights and memory of a layer at each resolution"))
mark("computed", _("one 3×3 convolution; the first {map}").format(map=on_maps(steps[0].size)))
st.dataframe(vgg.ladder_table(steps), hide_index=True, key="ladder_table")
mark("computed", _("one 3×3 convolution; the first {map}").format(map=on_maps(steps[0].size)))

st.subheader(prose("vgg", "Breaks heading"), anchor="breaks")
costs = vgg.costs(depth, width)
st.markdown(prose("vgg", "Breaks", **vgg.cost_fields(costs, depth, width)))
st.plotly_chart(figures.costs(costs, colours), key="costs", config=BARE, alt=_("Bars: cost of each convolution of VGG"))
mark("computed", images_of(vgg.analysis(f"vgg{depth}")))
st.dataframe(vgg.cost_table(costs), hide_index=True, key="cost_table", height="content", column_config=NUMBERS)
mark("computed", images_of(vgg.analysis(f"vgg{depth}")))

st.subheader(prose("vgg", "Head heading"), anchor="head")
endings = vgg.endings(depth, width, knobs["classes"])
st.markdown(prose("vgg", "Head", **vgg.ending_fields(endings)))
st.plotly_chart(figures.endings(endings, colours), key="endings", config=BARE, alt=_("Bars: weights of three heads"))
mark("computed", _("vgg{depth}, {images}, {classes} classes").format(
    depth=depth, images=images_of(vgg.analysis(f"vgg{depth}")), classes=knobs["classes"]))
st.dataframe(vgg.ending_table(endings), hide_index=True, key="ending_table")
mark("computed", _("vgg{depth}, {images}, {classes} classes").format(
    depth=depth, images=images_of(vgg.analysis(f"vgg{depth}")), classes=knobs["classes"]))

lesson.try_it(prose("vgg", "Try"))
lesson.sources([AlexNet, AlexNet2012, ZFNet, VGG, head])

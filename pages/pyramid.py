"""Feature pyramid: four designs and their costs, C2-C5 to P2-P5, a level on the picture, a small object, the ablations."""

import streamlit as st

from lib.figures import lesson_pyramid as figures
from lib.lessons import pyramid
from lib.lessons.pictures import drawn
from lib.models.fpn import FPN, Backbone, FeaturePyramid
from lib.text import prose
from lib.ui import _, current_palette, lesson
from lib.ui.provenance import images_of, mark

PLAIN = {"displayModeBar": False}

st.title(_("Feature pyramid"), anchor=False)
question = st.empty()
knobs = lesson.knobs("pyramid", {
    "backbone": lesson.Knob(_("Backbone"), tuple(pyramid.BACKBONES), "resnet50", _("A network of four stages.")),
    "size": lesson.Knob(_("Image, px"), (128, 224, 256, 320, 448, 512, 640), 224, _("Height and width of the image.")),
    "channels": lesson.Knob(_("Channels of the pyramid"), (64, 128, 256, 512), 256, _("Channels d of every P.")),
    "p6": lesson.Knob(_("P6"), (False, True), False, _("A coarser level: every second cell of P5.")),
    "scales": lesson.Knob(_("Images of the image pyramid"), (2, 3, 4), 4, _("The image, and enlarged 2, 4, 8 times.")),
    "object": lesson.Knob(_("Object, px"), (8, 16, 32, 64, 128), 32, _("Height and width of the boat.")),
    "level": lesson.Knob(_("Level on the picture"), pyramid.LEVELS, "P3", _("Whose grid and fields are drawn.")),
    "table": lesson.Knob(_("Ablations of"), tuple(pyramid.ablations()), "Table 2", _("A table of the paper.")),
})
question.markdown(prose("pyramid", "Question", **knobs))
found = pyramid.pyramid(*(knobs[name] for name in ("backbone", "size", "channels", "p6", "scales")))
palette, numbers = current_palette(), found.fields()

st.subheader(prose("pyramid", "Designs heading"), anchor="designs")
st.markdown(prose("pyramid", "Designs"))
names = [_("(a) image pyramid"), _("(b) single map"), _("(c) pyramid of maps"), _("(d) feature pyramid")]
st.plotly_chart(figures.designs(names, found.designs, palette), key="designs", config=PLAIN,
                alt=_("The four designs, as in the table below"))
st.dataframe(found.design_table(names), hide_index=True, key="pyramid_designs")
mark("computed", images_of(found.analysis))
st.markdown(prose("pyramid", "Costs", **numbers))

st.subheader(prose("pyramid", "Levels heading"), anchor="levels")
st.markdown(prose("pyramid", "Levels", **numbers))
st.dataframe(found.level_table(), hide_index=True, key="pyramid_levels")
mark("computed")
st.markdown(prose("pyramid", "Fields", **numbers))
if found.gated:
    st.markdown(prose("pyramid", "Gated"))
lesson.network_graph(found.analysis, [f"stage:{name}" for name in pyramid.LEVELS])

st.subheader(prose("pyramid", "Picture heading"), anchor="picture")
level = found.levels[pyramid.LEVELS.index(knobs["level"])]
chart, words = st.columns([3, 2], vertical_alignment="center")
words.markdown(prose("pyramid", "Picture", stride=level.stride, **knobs))
with chart:
    picture = drawn("boat", knobs["size"], knobs["object"])
    st.plotly_chart(figures.on_picture(picture, level, knobs["object"], palette), key="picture", config=PLAIN,
                    alt=_("The grid of {level} on the picture, the object, and the fields of the middle cell").format(**knobs))
    mark("computed")

st.subheader(prose("pyramid", "Object heading", **knobs), anchor="object")
st.markdown(prose("pyramid", "Object", channels=knobs["channels"], **found.at_the_top(knobs["object"])))
with st.container(horizontal=True):
    for each in found.levels:
        st.image(pyramid.averaged(knobs["size"], knobs["object"], each.cells, shown=168), width=168,
                 caption=_("P{level}: cells of {stride} px").format(level=each.number, stride=each.stride))
st.dataframe(found.object_table(knobs["object"]), hide_index=True, key="pyramid_object")
mark("computed")
st.markdown(prose("pyramid", "Assigned"))
mark("unverified", "Lin et al. 2016, section 4")

st.subheader(prose("pyramid", "Ablations heading"), anchor="ablations")
st.markdown(prose("pyramid", "Ablations", **pyramid.small_objects()))
table = pyramid.ablations()[knobs["table"]]
st.markdown(f"**{table.title}**")
st.plotly_chart(figures.ablation(table.sizes(), table.columns[-1].split()[0], palette), key="ablations", config=PLAIN,
                alt=_("The rows by the size of objects, as in the table below"))
st.dataframe(table.table(), hide_index=True, key="pyramid_ablations")
mark("published", _("{table} of Lin et al. 2016, arXiv:1612.03144; COCO minival, ResNet-50, percent").format(**knobs))
st.markdown(prose("pyramid", "Tables"))

lesson.try_it(prose("pyramid", "Try"))
with st.container(horizontal=True):
    lesson.explore_link("resnet50_fpn", {"backbone": knobs["backbone"], "channels": knobs["channels"], "p6": knobs["p6"],
                                         "input_size": knobs["size"]}, _("This pyramid in Explore"))
    lesson.explore_link(knobs["backbone"], {"input_size": knobs["size"]}, _("The backbone alone in Explore"))
lesson.sources([FeaturePyramid, Backbone, FPN, pyramid.ImagePyramid])

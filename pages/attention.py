"""Attention in channels: SE, SK and split attention from one skeleton, their gates on a picture, radix and cardinality."""

import streamlit as st

from lib.figures import lesson_attention as figures
from lib.lessons import attention, pictures
from lib.models.resnest import ResNeStBottleneck, SplitAttention
from lib.models.senet import SEBottleneck, SqueezeExcitation
from lib.models.sknet import KernelAttention, SelectiveKernel
from lib.text import prose
from lib.ui import _, current_palette, lesson
from lib.ui.address import moved
from lib.ui.measuring import measured
from lib.ui.provenance import images_of, mark, on_maps

PLAIN = {"displayModeBar": False}
SHOWN = 24

st.title(_("Attention in channels"), anchor=False)
st.markdown(prose("attention", "Question"))
knobs = lesson.knobs("attention", {
    "picture": lesson.Knob(_("Picture"), *attention.PICTURE, _("Drawn by the app; or upload one below.")),
    "zoom": lesson.Knob(_("Size of the object, %"), *attention.ZOOM, _("Enlarges the middle of the picture.")),
    "strength": lesson.Knob(_("Last layer ×"), *attention.STRENGTH,
                            _("Multiplies the last layer's output before the sigmoid or softmax.")),
    "seed": lesson.Knob(_("Seed of the weights"), *attention.SEED, _("Another draw of all the networks' weights.")),
    "branches": lesson.Knob(_("Kernels of SK"), *attention.BRANCHES, _("Two: 3×3 and 5×5. Three: also 7×7.")),
    "radix": lesson.Knob(_("Radix of ResNeSt"), *attention.RADIX, _("Splits in every cardinal group.")),
    "cardinality": lesson.Knob(_("Cardinality of ResNeSt"), *attention.CARDINALITY,
                               _("Cardinal groups: of width 64, 40 and 24, as in the authors' table.")),
})
branches, radix, cardinality = knobs["branches"], knobs["radix"], knobs["cardinality"]
palette = current_palette()

st.subheader(prose("attention", "Skeleton heading"), anchor="skeleton")
st.markdown(prose("attention", "Skeleton"))
blocks = attention.blocks(branches, radix, cardinality)
names = [_("SE (SE-ResNet-50)"), _("SK (SKNet-50)"), _("Split attention (ResNeSt-50)")]
for column, name, block in zip(st.columns(3), names, blocks):
    with column:
        lesson.block_card(name, block)
st.markdown(prose("attention", "Decide", **attention.squeezed(blocks)))
st.dataframe(blocks.table(names), hide_index=True, key="attention_costs")
mark("computed", on_maps(attention.MAP))

st.subheader(prose("attention", "Gates heading"), anchor="gates")
shown, words = st.columns([1, 3], vertical_alignment="center")
with words:
    st.markdown(prose("attention", "Upload"))
    upload = st.file_uploader(_("Your own picture"), key="attention_upload", on_change=moved)
picture, file = pictures.drawn(knobs["picture"], attention.SIDE, attention.OBJECT), knobs["picture"]
try:
    if upload:
        picture = pictures.read(upload.getvalue(), attention.SIDE)
        file = pictures.png(picture)
except pictures.Unreadable as problem:
    st.error(_("{problem} The picture chosen above is used.").format(problem=problem))
shown.image(pictures.zoomed(picture, knobs["zoom"]), caption=_("what the networks see, at {zoom} %").format(**knobs))
gates = measured(_("Gates of three networks"), attention.gates, file, knobs["zoom"], knobs["strength"], knobs["seed"],
                 branches, radix, cardinality)
st.markdown(prose("attention", "Untrained"))
st.markdown(prose("attention", "Sums", shown=SHOWN, **gates.sums()))
labels = (["gate"], attention.kernels(branches), [f"split {split + 1}" for split in range(radix)])
for column, name, parts, weights in zip(st.columns(3), names, labels, gates):
    with column:
        st.markdown(f"**{name}**")
        st.plotly_chart(figures.gates(parts, weights[:, :SHOWN], palette), key=f"gates {name}", config=PLAIN,
                        alt=_("Weights of the first channels, as in the table below"))
st.dataframe(gates.table(SHOWN), hide_index=True, key="attention_gates", height=250)
mark("measured", _("with random weights, seed {seed}").format(**knobs))
st.markdown(prose("attention", "Strength", **knobs))

st.subheader(prose("attention", "Growth heading"), anchor="growth")
drift = measured(_("SK weights while the object grows"), attention.drift, file, knobs["strength"], branches)
st.markdown(prose("attention", "Growth", **drift.fields(knobs["seed"])))
st.plotly_chart(figures.drift(attention.ZOOMS, attention.SEEDS, drift.widest, 1 / branches, knobs["seed"], palette),
                key="drift", config=PLAIN, alt=_("Mean weight of the widest kernel over the size of the object"))
st.dataframe(drift.table(), hide_index=True, key="attention_drift")
mark("measured", _("with random weights, seeds 0 to 3"))
st.markdown(prose("attention", "Reported"))
mark("unverified", "Li et al. 2019, arXiv:1903.06586")

st.subheader(prose("attention", "Groups heading"), anchor="groups")
groups = attention.groups(radix, cardinality)
st.markdown(prose("attention", "Groups", count=len(groups), **knobs))
st.plotly_chart(figures.groups(groups, palette), key="groups", config=PLAIN,
                alt=_("The groups of split attention, as in the table below"))
st.dataframe(attention.group_table(groups), hide_index=True, key="attention_groups")
mark("computed")
st.markdown(prose("attention", "Free", **attention.price()))
st.dataframe(attention.ablation(), hide_index=True, key="attention_ablation")
mark("published", attention.ABLATION)

lesson.try_it(prose("attention", "Try"))
with st.container(horizontal=True):
    lesson.explore_link("seresnet50")
    lesson.explore_link("skresnext50_32x4d", {"branches": branches})
    lesson.explore_link("resnest50d", {"radix": radix, "cardinality": cardinality, "base_width": attention.WIDTHS[cardinality]})
lesson.sources([SqueezeExcitation, SEBottleneck, KernelAttention, SelectiveKernel, SplitAttention, ResNeStBottleneck])

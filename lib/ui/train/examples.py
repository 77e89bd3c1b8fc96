"""Races to begin with: links that open them."""

import streamlit as st

from lib.ui import _

TO_110 = {"a": "resnetv2_110_cifar_a", "b": "resnetv2_110_cifar_b", "c": "resnetv2_110_cifar_c", "d": "resnetv2_110_cifar_d",
          "e": "resnetv2_110_cifar"}
EXAMPLES: dict[str, dict[str, str]] = {
    _("Deeper is worse: plain-20, plain-56, ResNet-56"): {"a": "plain20_cifar", "b": "plain56_cifar", "c": "resnet56_cifar"},
    _("The quickest: plain-20 beside ResNet-20"): {"a": "plain20_cifar", "b": "resnet20_cifar"},
    _("Plain, from 20 to 110 layers"): {
        "a": "plain20_cifar", "b": "plain32_cifar", "c": "plain44_cifar", "d": "plain56_cifar", "e": "plain110_cifar"},
    _("ResNet and plain with 110 layers, three seeds"): {"a": "plain110_cifar", "b": "resnet110_cifar", "seeds": "3"},
    _("Five orders of a residual unit, 110 layers"): TO_110,
    _("The same orders, 56 layers"): TO_110 | {f"{slot}.n": "9" for slot in TO_110},
    _("With and without batch normalisation"): {
        "a": "resnet20_cifar", "b": "resnet20_cifar", "b.batch_norm": "false", "c": "plain20_cifar", "d": "plain20_cifar",
        "d.batch_norm": "false"},
    _("Shortcut options A, B and C"): {"a": "resnet56_cifar", "b": "resnet56_cifar", "b.shortcut": "B", "c": "resnet56_cifar",
                                      "c.shortcut": "C"},
    _("Is it depth, or only a badly chosen rate? (fair)"): {"a": "plain20_cifar", "b": "plain56_cifar", "rate": "fair"},
    _("With and without SE blocks"): {"a": "resnet20_cifar", "b": "resnet20_cifar", "b.se": "true"},
    _("ResNeXt: one group or 32"): {
        "a": "resnet20_cifar", "a.bottleneck": "true", "a.shortcut": "B", "b": "resnet20_cifar", "b.bottleneck": "true",
        "b.shortcut": "B", "b.cardinality": "32", "b.base_width": "4"},
    _("LeNet, VGG with norms, ResNet-20"): {"a": "lenet5", "b": "vgg11_bn", "b.width": "16", "b.hidden": "0",
                                          "c": "resnet20_cifar"},
    _("A small GoogLeNet, with and without auxiliary classifiers"): {
        "a": "googlenet_2014", "a.width": "25", "b": "googlenet_2014", "b.width": "25", "b.auxiliary": "true", "epochs": "30",
        "start": "xavier"},
}
"""What a race shows, and the parameters of its link."""


def show_examples() -> None:
    """A list of them."""
    with st.popover(_("Examples"), icon=":material/list:", key="train_examples"):
        for words, parameters in EXAMPLES.items():
            st.page_link("../../pages/train.py", label=words, query_params=parameters)

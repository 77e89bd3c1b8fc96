"""Attention in channels without a browser."""

import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image
from torch import nn

from lib.lessons import pictures
from lib.measuring import seeded
from lib.once import forget
from lib.models.resnet import initialize
from lib.models.senet import SEBottleneck
from lib.models.sknet import SelectiveKernel, SKUnit
from tests.pages.app import address, checked, open_page


def text(app) -> str:
    return "\n".join(block.value for block in app.markdown)


def frame(app, column: str):
    """The table on the page that has this column."""
    return next(table.value for table in app.dataframe if column in table.value)


def test_costs_are_those_of_hand_arithmetic():
    app = open_page("attention", radix="2", cardinality="2")
    table = frame(app, "Quantity").set_index("Quantity")
    norms = 2 * (64 + 64 + 256)
    se = 256 * 16 + 16 + 16 * 256 + 256
    sk = 128 * 32 + 32 * 2 * 128
    split = 80 // 2 * 40 + 40 + 40 // 2 * 160 + 160  # in two cardinal groups, with biases
    assert table.loc["Parameters"].iloc[0] == f"{256 * 64 + 9 * 64 * 64 + 64 * 256 + se + norms:,}"
    assert list(table.loc["… in the two layers that decide"]) == [f"{count:,}" for count in (se, sk, split)]


def network(block: nn.Module) -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 64, 7, 2, padding=3, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
                          nn.MaxPool2d(3, 2, padding=1), block).eval()
    initialize(model)
    return model


def test_the_gates_are_what_the_blocks_really_multiply_with():
    app = open_page("attention", strength="1", seed="2")
    shown = frame(app, "SE gate").astype(float)
    picture = pictures.drawn("ball", 224, 96).resize((64, 64))
    image = (torch.from_numpy(np.array(picture, np.float32)).permute(2, 0, 1)[None] / 255 - 0.45) / 0.225
    kept = {}
    with seeded(2):
        block = SEBottleneck(64, 64)
        model = network(block)
    block.se.register_forward_hook(lambda module, inputs, output: kept.update(se=(inputs[0], output)))
    with seeded(2):
        unit = SKUnit(64, 64, sk=lambda *args: SelectiveKernel(*args, groups=32), width=128)
        other = network(unit)
    unit.conv2.attn.register_forward_hook(lambda module, inputs, output: kept.update(sk=inputs[0]))
    with torch.no_grad():
        model(image), other(image)
    before, after = (each.abs().sum((2, 3))[0, :24] for each in kept["se"])
    assert np.allclose(shown["SE gate"], after / before, atol=2e-4)
    pooled = kept["sk"].sum(1).mean((2, 3))[0].double()
    layers = unit.conv2.attn.fc_reduce, unit.conv2.attn.fc_select
    reduced, select = (layer.weight.detach()[:, :, 0, 0].double() for layer in layers)
    weights = (select @ (reduced @ pooled / (1 + 1e-5) ** 0.5).relu()).view(2, 128).softmax(0)[:, :24]
    assert np.allclose(shown[["SK 3×3", "SK 5×5"]].T, weights, atol=2e-4)


@pytest.mark.parametrize("branches, radix", [(2, 4), (3, 1)])
def test_weights_sum_to_one_in_each_channel(branches, radix):
    table = frame(open_page("attention", branches=str(branches), radix=str(radix), strength="64"), "SE gate").astype(float)
    kernels = [name for name in table if name.startswith("SK") and "sum" not in name]
    splits = [name for name in table if name.startswith("split") and "sum" not in name]
    assert (len(kernels), len(splits)) == (branches, radix)
    assert np.allclose(table[kernels].sum(axis=1), 1, atol=3e-4)
    assert np.allclose(table[splits].sum(axis=1), 1, atol=3e-4) == (radix > 1)  # one split has a sigmoid


def test_the_groups_are_those_of_a_grouped_convolution():
    table = frame(open_page("attention", radix="2", cardinality="2"), "Reads channels")
    convolution = nn.Conv2d(80, 160, 3, groups=4, bias=False)
    nn.init.ones_(convolution.weight)
    for row in table.to_dict("records"):
        first, last = map(int, row["Gives channels"].split("–"))
        image = torch.ones(1, 80, 3, 3, requires_grad=True)
        convolution(image)[:, first - 1:last].sum().backward()
        seen = image.grad.sum((0, 2, 3)).nonzero().flatten() + 1
        assert row["Reads channels"] == f"{seen[0]}–{seen[-1]}" and len(seen) == 20
    assert list(table["Added into channels"]) == ["1–40", "41–80"] * 2  # within a cardinal group over the splits


def test_the_published_numbers():
    app = open_page("attention")
    assert "25,576,264" in text(app) and "27,483,240" in text(app)
    row = frame(app, "Top-1 accuracy").set_index("Setting").loc["4s2x40d"]
    assert list(row) == ["30.4 M", "4.41 G", "81.14 %"]


def test_every_value_of_every_control():
    app = open_page("attention")
    for name in ("picture", "zoom", "strength", "seed", "branches", "radix", "cardinality"):
        control = app.segmented_control if name == "picture" else app.select_slider
        for option in control(key=f"attention_{name}").options:
            value = option if name == "picture" else int(option)
            checked(control(key=f"attention_{name}").set_value(value).run())
    assert address(app) == {"picture": "checkerboard", "zoom": "200", "strength": "64", "seed": "3", "branches": "3",
                            "radix": "4", "cardinality": "4"}


def test_a_bad_link_gets_plain_sentences():
    app = open_page("attention", radix="3", colour="<script>")
    assert len(app.warning) == 2


def file(picture: Image.Image, kind: str) -> bytes:
    kept = BytesIO()
    picture.save(kept, kind)
    return kept.getvalue()


def test_an_uploaded_picture_moves_the_gates_and_what_is_none_gets_a_sentence():
    app = open_page("attention")
    before = frame(app, "SE gate")
    stripes = Image.fromarray((np.indices((90, 120)).sum(0) // 8 % 2 * 255).astype(np.uint8))
    checked(app.file_uploader(key="attention_upload").set_value(("stripes.jpg", file(stripes, "JPEG"), "image/jpeg")).run())
    assert not app.error and not frame(app, "SE gate").equals(before) and address(app) == {}
    checked(app.file_uploader(key="attention_upload").set_value(("notes.png", b"no picture", "image/png")).run())
    assert "not a picture" in app.error[0].value and frame(app, "SE gate").equals(before)


def test_the_control_for_a_picture_says_what_the_server_takes():
    control = open_page("attention").file_uploader(key="attention_upload").proto
    assert control.max_upload_size_mb == st.get_option("server.maxUploadSize")


RAMP = np.arange(256, dtype=np.uint8)[None].repeat(256, 0)
"""From black at the left to white at the right."""


def frames(kind: str) -> bytes:
    """A moving picture that begins with the ramp."""
    kept = BytesIO()
    Image.fromarray(RAMP).save(kept, kind, save_all=True, append_images=[Image.new("L", (256, 256), 255)], duration=9)
    return kept.getvalue()


GREY = Image.fromarray(RAMP)
KINDS = {
    "grey": file(GREY, "PNG"), "colours": file(GREY.convert("RGB"), "BMP"),
    "16 bit": file(Image.fromarray(RAMP * np.uint16(257)), "PNG"),
    "alpha": file(GREY.convert("RGBA"), "WEBP"), "grey and alpha": file(GREY.convert("LA"), "PNG"),
    "palette": file(GREY.convert("P"), "PNG"), "CMYK": file(GREY.convert("CMYK"), "JPEG"), "JPEG": file(GREY, "JPEG"),
    "moving GIF": frames("GIF"), "moving PNG": frames("PNG"), "moving WebP": frames("WEBP"),
    "reduced": file(GREY.resize((2048, 1024)).crop((512, 0, 1536, 1024)).resize((2048, 2048)), "JPEG")}


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_every_kind_keep_their_ramp(kind):
    shown = np.array(pictures.read(KINDS[kind], 64), int)[:, :, 0]
    wanted = np.linspace(66, 189, 64) if kind == "reduced" else np.linspace(1.5, 253.5, 64)
    assert np.abs(shown - wanted).max() <= 6


def test_the_shades_of_16_bits_are_those_of_8():
    assert np.array_equal(pictures.read(KINDS["16 bit"], 224), pictures.read(KINDS["grey"], 224))


def test_what_is_transparent_is_white_and_what_lies_on_its_side_is_set_up():
    clear, lying = Image.new("P", (8, 8), 1), Image.Exif()
    clear.putpalette([0] * 6)
    kept = BytesIO()
    clear.save(kept, "PNG", transparency=1)
    assert pictures.read(kept.getvalue(), 8).getcolors() == [(64, (255, 255, 255))]
    lying[0x0112] = 6  # the camera was turned to the right
    for kind in ("JPEG", "PNG"):
        kept = BytesIO()
        GREY.save(kept, kind, exif=lying)
        assert np.abs(np.array(pictures.read(kept.getvalue(), 64), int)[:, 5, 0] - np.linspace(1.5, 253.5, 64)).max() <= 6


def test_a_file_is_read_once_by_one_after_another(monkeypatch):
    """Eight people with the same file, and later with files of their own: never two in memory at once."""
    reading, most, seen = [], [], []

    def slow(file, size):
        reading.append(file)
        most.append(len(reading))
        time.sleep(0.01)
        reading.remove(file)
        seen.append(file)
        return pictures.Unreadable("no") if file == b"0" else GREY
    monkeypatch.setattr(pictures, "_read", slow)
    forget()
    with ThreadPoolExecutor(8) as people:
        assert all(read is GREY for read in people.map(lambda _: pictures.read(b"the same", 64), range(8)))
        list(people.map(lambda number: pictures.read(b"own %d" % number, 64), range(40)))
    assert max(most) == 1 and len(seen) == len(set(seen)) == 41
    for _ in range(2):
        with pytest.raises(pictures.Unreadable, match="no"):
            pictures.read(b"0", 64)
    assert seen.count(b"0") == 1
    forget()


def test_broken_and_huge_pictures_are_refused_in_a_sentence():
    whole = file(pictures.drawn("boat", 200, 90), "PNG")
    for broken in (b"", whole[:300], whole[:20] + b"x" * 400, b"<svg></svg>", file(Image.new("1", (3600, 3600)), "PNG")):
        with pytest.raises(pictures.Unreadable, match=r"^This (file|picture) .*\.$"):
            pictures.read(broken, 224)
    with pytest.raises(pictures.Unreadable, match="has 3,600 × 3,600 pixels; up to 12,500,000 can be read"):
        pictures.read(broken, 224)

"""The controls of the lesson. Those that old links name have the names, values and starts that they had."""

from lib.lessons.convolution import filters
from lib.lessons.convolution.by_hand import OPERATIONS
from lib.lessons.convolution.strides import STRIDED, edge
from lib.lessons.convolution.written import MOST, layer, layers, matrix, pair
from lib.lessons.knobs import Knob, Picture, Typed, Written
from lib.text import _

ONE_LAYER = _("As you would say it: “32 filters 7x7, stride 2, padding 3”. Height and width apart: “(3, 5)” or “3x5”. "
              "Other words: dilation, groups, no bias, same (padding); max pool, average pool, rounded up, "
              "global average pool; transposed; unshared; “100 neurons” for a linear layer.")

KNOBS = {
    # One small map
    "size": Knob(_("Map"), tuple(range(4, 10)), 7, _("Height and width of the input map.")),
    "kernel": Knob(_("Kernel K"), (1, 2, 3, 4, 5, 6, 7), 3, _("Height and width of the kernel.")),
    "stride": Knob(_("Stride S"), (1, 2, 3, 4), 2, _("Cells from one window to the next.")),
    "padding": Knob(_("Padding P"), (0, 1, 2, 3), 1, _("Zeros added on each of the four sides.")),
    "dilation": Knob(_("Dilation D"), (1, 2, 3), 1, _("Cells from one weight of the kernel to the next.")),
    "row": Knob(_("Output row"), tuple(range(1, 13)), 1, _("The row of the output that the kernel computes.")),
    "column": Knob(_("Output column"), tuple(range(1, 13)), 2, _("The column of the output that the kernel computes.")),
    # Typed numbers
    "typed": Written(_("Matrix"), (
        "1 2 0 1 3\n0 1 3 2 1\n2 1 1 0 2\n1 0 2 3 1\n3 1 0 1 2", "1 0 2 3; 4 6 6 8; 3 1 1 0; 1 2 2 4",
        "[[1, 2, 3], [4, 5, 6], [7, 8, 9]]"),
        _("A row in each line, or “;” between the rows; a space between numbers. Up to 12 × 12."), matrix, lines=5),
    "taps": Written(_("Kernel"), ("1 0 -1\n2 0 -2\n1 0 -1", "1/9 1/9 1/9; 1/9 1/9 1/9; 1/9 1/9 1/9", "1 2; 3 4"),
                    _("A row in each line, or “;” between the rows; a space between numbers. A pooling uses its height and "
                         "width alone; a filter with a name does not need it."), matrix, lines=3),
    "operation": Knob(_("Operation"), OPERATIONS, "convolution", _("What is done with each window.")),
    "picture": Picture(_("Picture"), ("boat", "ball", "checkerboard"), "boat", _("One of these, or a picture of your own."),
                       filters.SIDE),
    "filter": Knob(_("Filter"), (*filters.FILTERS, filters.TYPED), "vertical edges",
                   _("A kernel that is known by name, or your own."), filters.filter_name),
    # Any layer
    "height": Typed(_("Height"), 1, MOST, 63, _("Rows of the map."), (1, 32, 227, 4096)),
    "width": Typed(_("Width"), 1, MOST, 63, _("Columns of the map."), (1, 32, 227, 4096)),
    "in_channels": Typed(_("Channels in"), 1, MOST, 16, _("C_in: channels of the layer's input; 3 for a colour image."),
                         (1, 3, 16, 64)),
    "out_channels": Typed(_("Filters"), 1, MOST, 32, _("C_out: filters of the layer, and so channels of its output."),
                          (1, 10, 32, 64)),
    "groups": Typed(_("Groups"), 1, MOST, 4, _("Parts into which the channels are split."), (1, 2, 4, 8, 16)),
    "window": Written(_("Kernel, height × width"), ("3", "5", "3 x 5", "(1, 7)"),
                      _("One number, or two, such as 3 x 5."), pair),
    "bias": Knob(_("Biases"), (False, True), True, _("One number for each filter, added to all that it gives.")),
    "neurons": Typed(_("Neurons"), 1, MOST, 100, _("Outputs of the linear layer."), (1, 10, 128, 4096)),
    "described": Written(_("Layer"), (
        "32 filters 7x7, stride 2", "96 filters 11x11, stride 4", "64 filters 3x3, padding 1, groups 4, no bias"),
        ONE_LAYER, layer),
    "layers": Written(_("Layers"), (
        "5\nmax pool 2, stride 2\n3\nmax pool 2, stride 2", "5 stride 2; 3; 5 dilation 2", "3; 3; 3; 3; 3",
        "6 filters 5; average pool 2; 16 filters 5; average pool 2; 120 neurons; 84 neurons; 10 neurons"),
        _("A layer in each line, or “;” between them. {one}").format(one=ONE_LAYER), layers, lines=4),
    # Real networks
    "layer": Knob(_("Layer of a real network"), tuple(STRIDED), "resnet50 conv1",
                  _("A layer that moves by more than one cell."), lambda name: f"{name}: {edge(name).words}"),
    "image": Knob(_("Image"), (224, 227), 224, _("Rows and columns of the image.")),
    "larger": Knob(_("Larger by"), (0, 1, 2, 3, 4, 5, 6), 2, _("Rows and columns that the larger map has more.")),
    "seed": Knob(_("Seed"), (0, 1, 2, 3, 4), 0, _("Of the random weights and images.")),
}

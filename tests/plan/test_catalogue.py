"""Networks of the catalogue as plans: the plan's network has the same numbers, shapes and fields, layer by layer, and with the
same weights the same outputs."""

import random

import pytest
import torch

import lib
from lib import catalog
from lib.analysis import Analysis
from lib.architecture import Impossible, bounds, is_sequence, is_size, options
from lib.plan.catalogue import plan_of
from lib.plan.language import write_on_one_line

UNWRITTEN = {
    "inception_v3_auxiliary": "AuxLogits.conv0.conv reads more than what is computed just before it",
    "resnet1202_cifar": "With this row the network has more than 4,000 operations, which is the most that this server allows",
    **dict.fromkeys(("resnet50_fpn", "fpn_resnet50_v2"), "reads more than what is computed just before it"),
}

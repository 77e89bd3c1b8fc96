"""Check of what CS231n's notes say about the memory of VGG-16: their list, its sum, and the sum that Explore shows."""

from lib.analysis.cost import BYTES_PER_NUMBER
from lib.lessons.textbook.rows import MEGA, Row, beside, rounds
from lib.lessons.textbook.slides import MIB, vgg
from lib.trace import numel

KINDS = ("conv2d", "max_pool2d", "linear")
"""What the notes list beside the image."""
ENTRIES = (150_000, 3_200_000, 3_200_000, 800_000, 1_600_000, 1_600_000, 400_000, 800_000, 800_000, 800_000, 200_000,
           400_000, 400_000, 400_000, 100_000, 100_000, 100_000, 100_000, 25_000, 4096, 4096, 1000)
"""The notes' column “memory”, from the image to the last linear layer."""


def listed() -> tuple[int, ...]:
    """Numbers in the image, and in what each convolution, pooling and linear layer of VGG-16 gives."""
    return (numel(vgg().input_shape), *(numel(op.out_shapes[0]) for op in vgg().ops if op.kind in KINDS))


def vgg_memory() -> list[Row]:
    """The sum, which is graded, and how it comes to the bytes that Explore shows."""
    numbers = listed()
    image, pooling = numbers[0], sum(numel(op.out_shapes[0]) for op in vgg().ops if op.kind == "adaptive_avg_pool2d")
    relus = sum(numel(op.out_shapes[0]) for op in vgg().ops if op.kind == "relu")
    total = BYTES_PER_NUMBER * sum(numbers)
    return [rounds("Sum of the notes' list, millions of numbers", 24, sum(numbers) / MEGA),
            rounds("The same in MB", 93, total / MEGA),
            rounds("The same in MiB", 93, total / MIB),
            beside("24 million numbers of 4 bytes",
                   f"{24 * BYTES_PER_NUMBER:.1f} MB, {24 * MEGA * BYTES_PER_NUMBER / MIB:.1f} MiB"),
            beside(f"Of the {len(ENTRIES)} entries of the list, right as printed", sum(map(_is_printed, ENTRIES, numbers))),
            beside("Sum of the list, bytes", total),
            beside("Of it the image, which Explore leaves out, bytes", BYTES_PER_NUMBER * image),
            beside("The average pooling, which the list leaves out, bytes", BYTES_PER_NUMBER * pooling),
            beside("The sum without the one and with the other, bytes", total + BYTES_PER_NUMBER * (pooling - image)),
            beside("Activation memory in Explore, bytes", vgg().activation_bytes),
            beside("The list, if every ReLU had a map of its own, MB", f"{(total + BYTES_PER_NUMBER * relus) / MEGA:.2f}")]


def _is_printed(entry: int, found: int) -> bool:
    """Whether this is what the notes print: exact, or two digits."""
    return entry in (found, float(f"{found:.2g}"))

"""What a person is asked of the statements: does it hold, which convolution was forgotten, what a table leaves out."""

from lib.lessons import textbook
from lib.lessons.textbook.rows import KILO, Row
from lib.lessons.textbook.slides import alexnet
from lib.questions import Choice, Number, Place, kind
from lib.text import _, literal


class Verdict(Choice):
    """Holds, imprecise, wrong or unchecked. What a wrong choice is met with depends on what the statement is."""

    def _wrong(self, id: str) -> str:
        return self.part(f"slip: {id}, is {self.answer}") or super()._wrong(id)


@kind(card=tuple(card.id for card in textbook.cards()))
def verdict(card: str) -> Choice:
    """What becomes of a card's statement when it is checked."""
    shown, rows = textbook.find(card), [row for row in textbook.evidence(card) if row.agrees is not None]
    judged = shown.reason or _("Lines of the check that agree: {agreeing} of {lines}.").format(
        agreeing=sum(row.agrees for row in rows), lines=len(rows))
    fields = {"statement": literal(shown.statement), "document": literal(textbook.documents()[shown.document]),
              "right": literal(shown.right), "judged": judged, "asked": literal(rows[0].quantity) if rows else ""}
    return Verdict(answer=shown.verdict, fields=fields | _line("agrees", rows, True) | _line("differs", rows, False))


def _line(name: str, rows: list[Row], agrees: bool) -> dict[str, str]:
    """The first line of a check that agrees, or does not, for what a wrong choice is met with."""
    row = next((row for row in rows if row.agrees is agrees), None)
    return {f"{name}_{part}": literal(getattr(row, part)) for part in ("quantity", "notes", "found")} if row else {}


@kind(level=3)
def forgotten() -> Place:
    """Which convolution the slides left out of VGG-16, from their two sums."""
    networks = textbook.drawn_and_true()
    cost, memory = set(networks.explaining("multiply-adds")), set(networks.explaining("memory"))
    names = {op.label: _("{name}: {channels} channels on {size}").format(
        name=op.label, channels=op.out_shapes[0][1], size=" × ".join(map(str, op.out_shapes[0][2:])))
        for op in networks.true.ops if op.kind == "conv2d"}
    return Place(answer=cost & memory, names=names, fields=networks.fields(),
                 slip_values={"cost alone": cost - memory, "memory alone": memory - cost})


@kind(level=2, layer=("fc6", "fc7", "fc8"))
def left_out(layer: str) -> Number:
    """What the slides' table leaves out of a linear layer of AlexNet: its biases."""
    op = next(op for op in alexnet().ops if op.label == layer)
    outputs, inputs = op.weights[0][1]
    _name, _kib, printed, _macs = textbook.find(f"alexnet-{layer}").arguments
    return Number(answer=outputs, slip_values={"difference": op.params - printed * KILO, "inputs": inputs},
                  fields={"layer": layer, "inputs": f"{inputs:,}", "outputs": f"{outputs:,}", "printed": f"{printed:,}",
                          "weights": f"{outputs * inputs:,}", "params": f"{op.params:,}"})

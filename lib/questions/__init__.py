"""Questions whose answers are computed: asked, read, graded, hinted and solved. No Streamlit, and nothing is stored.

    question = generate("convolution.output_size", seed=7, level=2)
    question.words                      # what is asked
    grade = question.grade("29")        # Grade(points=0, of=1, right=False, slip=..., remark="The floor is missing: ...")
    question.because                    # the derivation

A kind of question is a function in `lib/lessons/<lesson>/questions.py` that bears `@kind`: from the values of some controls it
computes the answer and what the usual slips give. A step of a lesson asks it at the values that its controls show; an
exercise draws the values from a seed.
"""

from lib.questions.kinds import Kind, Levels, generate, kind, kinds
from lib.questions.question import Choice, Grade, Number, Order, Place, Question, Several, Unreadable

__all__ = ["Choice", "Grade", "Kind", "Levels", "Number", "Order", "Place", "Question", "Several", "Unreadable", "generate",
           "kind", "kinds"]

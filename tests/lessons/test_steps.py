"""Every step of every lesson: at its start and with each control moved; every question answered right, with each slip, and with
nonsense; every part of the prose there, filled and used."""

import re
from functools import cache

import pytest

from lib.architecture import Impossible
from lib.lab.lessons import disk
from lib.lessons import find, names
from lib.lessons.content import Beside, Blocks, Chart, Content, Images, Network, Numbers, Table, Text, Written
from lib.figures.theme import DARK, LIGHT
from lib.questions import Choice, Number, Order, Place, Question, Several, Unreadable, generate, kinds
from lib.text import prose, sections, step_prose

MOST_WORDS = 90
STEPS = [(lesson, step.id) for lesson in names() for step in find(lesson).steps]
every_step = pytest.mark.parametrize("lesson, step", STEPS, ids=lambda name: name)
VALUES, MEASURED_VALUES = 4, 1
"""At so many values of each control a step is tried; of those that a measurement depends on, which takes a second, at fewer."""
made = {}


def run(measured, arguments):
    """A measurement, made once for all tests, also for those of pages: what lasts is kept where the app keeps it."""
    key = measured.name, arguments
    if key not in made:
        function = disk().cache(measured.function, ignore=["progress"]) if measured.lasting else measured.function
        made[key] = function(*arguments)
    return made[key]


def settings(lesson, step):
    """Where the controls of a step stand: at the start, then with each one moved to each of its values."""
    start, step = find(lesson).defaults, find(lesson).step(step)
    yield start
    depends = {name for measured in step.measured for name in measured.arguments}
    for name in step.controls:
        values = [value for value in find(lesson).knobs[name].values if value != start[name]]
        most = MEASURED_VALUES if name in depends else VALUES
        for value in values[::max(1, len(values) // most)][:most]:
            yield start | {name: value}
    for values in step.settings.values():
        yield start | values


@cache
def at_start(lesson, step) -> tuple[Content, Question]:
    values = find(lesson).defaults
    return find(lesson).step(step).show(values, run), find(lesson).step(step).ask(values, run)


def parts(content: Content):
    """All elements of a step, those within others too."""
    waiting = [content.picture, *content.more, *([content.before] if content.before else [])]
    while waiting:
        element = waiting.pop(0)
        yield element
        waiting += element.elements if isinstance(element, Beside) else []


@every_step
def test_shows_and_asks_wherever_its_controls_stand(lesson, step):
    shown = 0
    for values in settings(lesson, step):
        try:
            content, question = find(lesson).step(step).show(values, run), find(lesson).step(step).ask(values, run)
        except Impossible as refused:
            assert str(refused).endswith(".") and len(str(refused)) > 20, values
            continue
        shown += 1
        step_prose(lesson, step, **content.fields)
        check_words(question)
        check_grades(question)
        for element in parts(content):
            if isinstance(element, Chart):
                element.draw(LIGHT)
            if isinstance(element, Text):
                prose(lesson, element.section, **element.fields)
    assert shown


@every_step
def test_is_short_and_says_where_its_figures_come_from(lesson, step):
    content, _question = at_start(lesson, step)
    heading, body = step_prose(lesson, step, **content.fields)
    assert 8 < len(heading) < 70 and 15 < len(body.split()) <= MOST_WORDS, len(body.split())
    assert len(find(lesson).step(step).controls) <= 6
    for element in parts(content):
        if isinstance(element, Chart):
            assert len(element.alt) > 15 and element.origin
            assert element.draw(DARK).to_dict()["data"]
        if isinstance(element, (Images, Numbers, Table, Written)):
            assert element.origin
        if isinstance(element, Table):
            assert len(element.frame)
        if isinstance(element, Network):
            assert element.analysis.ops
        if isinstance(element, Blocks):
            assert 1 <= len(element.blocks) <= 5


@every_step
def test_its_prose_does_not_tell_what_is_to_be_predicted(lesson, step):
    content, question = at_start(lesson, step)
    if find(lesson).step(step).predict and isinstance(question, Number):
        told = " ".join(step_prose(lesson, step, **content.fields)) + " " + question.words
        answer = question.solution.removesuffix(question.unit).strip()
        if len(answer) > 3:
            assert not re.search(rf"(?<![\d.,]){re.escape(answer)}(?![\d,])", told), answer


def check_words(question: Question):
    assert 20 < len(question.words) < 420 and question.words[-1] in ".?)" and len(question.hint) > 15, question.id
    assert len(question.because) > 15 and question.solution, question.id
    for part in (question.words, question.hint, question.because, *(slip.hint for slip in question.slips)):
        assert part and not re.search(r"[{}]", part.replace("{0,", "")), (question.id, part)
    if type(question) is Choice:
        assert {slip.answer for slip in question.slips} == set(question.options) - {question.answer}, question.id


def right_answer(question: Question):
    if isinstance(question, Number):
        return repr(float(question.answer))
    if isinstance(question, Place):
        return next(iter(question.answer))
    return question.answer or ["none"]


def check_grades(question: Question):
    """Right is right, each slip is met with its own words, and nonsense is no attempt."""
    grade = question.grade(right_answer(question))
    assert grade.right and grade.slip is None, question.id
    for slip in question.slips:
        answers = slip.answer if isinstance(question, Place) else [slip.answer]
        for answer in answers:
            grade = question.grade(repr(float(answer)) if isinstance(question, Number) else answer or ["none"])
            assert not grade.right and grade.slip == slip and grade.remark == slip.hint, (question.id, slip)
    for nonsense in ("", "much", "1/0", "9**999", "__import__('os')") if isinstance(question, Number) else ("", "nothing of that"):
        with pytest.raises(Unreadable):
            question.grade(nonsense)
    if isinstance(question, Number):
        grade = question.grade("123456.789")
        assert grade.right or len(grade.remark) > 15
    elif isinstance(question, (Several, Order)) and not isinstance(question, Place):
        other = list(question.options) if isinstance(question, Order) else sorted(set(question.options) - {"none"} - set(question.answer))
        grade = question.grade(other[::-1] or ["none"])
        assert grade.right or grade.remark and 0 <= grade.points < grade.of


@pytest.mark.parametrize("name", kinds())
def test_a_kind_is_drawn_from_a_seed(name):
    """The same seed gives the same question; levels and seeds give different ones where there is something to draw."""
    kind = kinds()[name]
    slow = any(each.name for each in measured_of(kind))
    for level in (1, 2, 3):
        question = generate(name, 1, level)
        check_words(question)
        check_grades(question)
        if slow:
            break
        assert generate(name, 1, level).id == question.id
    if kind.drawn and not slow:
        assert len({generate(name, seed, level).id for seed in range(12) for level in (1, 3)}) > 1


def measured_of(kind):
    from lib.measuring import measured_by
    return measured_by(kind.compute).values()


def test_there_are_enough_questions():
    asked = {lesson: {step.asks.name for step in find(lesson).steps} for lesson in names()}
    assert len(names()) == 13 and all(len(each) >= 5 for each in asked.values())
    assert sum(map(len, asked.values())) >= 80
    assert {kind.level for kind in kinds().values()} == {1, 2, 3}


@pytest.mark.parametrize("lesson", names())
def test_its_prose_is_used_and_for_teachers(lesson):
    texts = {element.section for step in find(lesson).steps for element in parts(at_start(lesson, step.id)[0])
             if isinstance(element, Text)}
    steps = {step.id for step in find(lesson).steps}
    asked = {f"ask: {step.asks.name.partition('.')[2]}" for step in find(lesson).steps}
    left = set(sections(lesson)) - texts - steps - asked - {"teachers"}
    assert all(re.search(rf'"{re.escape(section)}"', code(lesson)) for section in left), left
    assert steps <= set(sections(lesson)) and asked <= set(sections(lesson))
    teachers = prose(lesson, "teachers")
    assert teachers.count("\n- ") == 3 and len(teachers.split()) < 200
    assert len(find(lesson).links) == 3 and 5 <= find(lesson).minutes <= 60
    for link in find(lesson).links:
        assert link.step in steps and all(find(lesson).knobs[name].read(find(lesson).knobs[name].write(value)) == value
                                          for name, value in link.values.items())
    assert set(find(lesson).anchors.values()) <= steps


def code(lesson) -> str:
    from lib.text import FOLDER
    return "\n".join(file.read_text() for file in (FOLDER.parent / "lessons" / lesson).glob("*.py"))


@pytest.mark.parametrize("lesson", names())
def test_what_stands_in_a_link_is_read_again(lesson):
    for knob in find(lesson).knobs.values():
        for value in knob.values:
            assert knob.read(knob.write(value)) == value
        with pytest.raises(Impossible):
            knob.read("§ no such value §" * 40)

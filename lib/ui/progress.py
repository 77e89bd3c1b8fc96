"""What a person has done, kept in the person's own browser: no account, nothing on the server.

Under one name in `localStorage` lie the steps that were opened and what became of each question: `first` (right at the first
try), `later`, or `shown`. What was once right at the first try stays so; what was shown and is right afterwards was right later.
"""

import streamlit as st

from lib.ui import _

STORE = """
const PLACE = "backbone_lab.progress";
const load = () => { try { return JSON.parse(localStorage.getItem(PLACE)) ?? {}; } catch { return {}; } };
const save = (kept) => { try { localStorage.setItem(PLACE, JSON.stringify(kept)); } catch { /* a browser that keeps nothing */ } };

function note({ step, question, result }) {     // what has just happened
  const { steps = {}, questions = {} } = load(), before = JSON.stringify({ steps, questions });
  if (step) steps[step] = 1;
  if (question) {
    const was = questions[question];
    if (was !== "first" && !(was && result === "shown")) questions[question] = was && result === "first" ? "later" : result;
  }
  if (JSON.stringify({ steps, questions }) !== before) save({ steps, questions });
  return { steps, questions };
}
"""

CSS = """
details { border: 1px solid var(--st-border-color); border-radius: 0.5rem; padding: 0.4rem 0.8rem; }
summary { cursor: pointer; font-weight: 600; }
.sum { margin: 0.4rem 0; }
ul { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr));
  gap: 0.35rem 1.2rem; }
li a { display: grid; grid-template-columns: 1fr auto; gap: 0.1rem 0.6rem; color: inherit; text-decoration: none; padding: 0.2rem 0; }
li a:hover .name { text-decoration: underline; }
.count { color: var(--st-text-color); opacity: 0.75; font-variant-numeric: tabular-nums; }
.bar { grid-column: 1 / -1; height: 0.4rem; border-radius: 0.2rem; background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); overflow: hidden; display: flex; }
.bar i { background: var(--st-primary-color); } .bar i.later { opacity: 0.5; }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--st-border-color); border-radius: 0.5rem;
  padding: 0.2rem 0.7rem; margin-top: 0.6rem; cursor: pointer; }
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""

HTML = '<section hidden><details><summary></summary><p class="sum"></p><ul></ul><button type="button"></button></details></section>'

JS = STORE + """
export default function (component) {
  const { data, parentElement } = component, { words, topics } = data;
  const box = parentElement.querySelector("section"), list = box.querySelector("ul"), forget = box.querySelector("button");
  forget.textContent = words.forget;
  forget.onclick = () => { localStorage.removeItem(PLACE); show(); };
  function show() {
    const { steps = {}, questions = {} } = load();
    box.hidden = !Object.keys(questions).length && !Object.keys(steps).length;
    const fill = (text, values) => text.replace(/{(\\w+)}/g, (_all, name) => values[name]);
    const total = { first: 0, later: 0, shown: 0 };
    list.replaceChildren(...topics.map((topic) => {
      const mine = topic.questions.map((name) => questions[name]);
      const count = (result) => mine.filter((each) => each === result).length, all = mine.length;
      for (const result in total) total[result] += count(result);
      const item = document.createElement("li"), link = document.createElement("a"), bar = document.createElement("span");
      link.href = topic.path; bar.className = "bar";
      const text = (name, words) => { const span = document.createElement("span"); span.className = name; span.textContent = words; return span; };
      for (const result of ["first", "later"]) {
        const part = document.createElement("i"); part.className = result; part.style.width = 100 * count(result) / all + "%"; bar.append(part);
      }
      const told = { right: count("first") + count("later"), all, first: count("first"), later: count("later"), shown: count("shown"),
                     steps: topic.steps.filter((name) => steps[name]).length, of: topic.steps.length };
      link.title = fill(words.topic, told);
      link.append(text("name", topic.title), text("count", fill(words.count, told)), bar);
      item.append(link);
      return item;
    }));
    box.querySelector("summary").textContent = words.name;
    box.querySelector(".sum").textContent = fill(words.sum, { ...total, all: topics.reduce((sum, topic) => sum + topic.questions.length, 0) });
  }
  show();
}
"""

_panel = st.components.v2.component("backbone_lab.progress", html=HTML, css=CSS, js=JS)
_note = st.components.v2.component("backbone_lab.note", html="<i hidden></i>", js=STORE + """
export default function (component) { for (const each of component.data.noted) note(each); }
""")


def panel(topics: list[dict]) -> None:
    """What this person has done, topic by topic, and a button that forgets it; nothing while there is nothing. A topic has a
    `title`, a `path`, and the names of its `steps` and `questions`."""
    words = {"forget": _("Forget my progress"), "sum": _("Of {all} questions: {first} right at the first try, {later} later, {shown} shown."),
             "count": _("{right} of {all}"),
             "topic": _("{steps} of {of} steps opened; {first} right at the first try, {later} later, {shown} shown"),
             "name": _("Your progress")}
    _panel(key="progress", data={"topics": topics, "words": words})


def note(key: str, *noted: dict[str, str]) -> None:
    """Keep in the browser what has just happened."""
    with st.container(key=f"{key}_noted"):
        _note(key=f"{key}_note", data={"noted": list(noted)})

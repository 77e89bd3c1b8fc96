"""A page without arithmetic, with as many elements of each kind as a step of a lesson: what Streamlit itself takes.

`/?slider=3&chart=1&markdown=5&caption=1` has three sliders, a chart, five texts and a caption. `benchmarks.steps` serves it
beside the app, with the same configuration.
"""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300">{shapes}</svg>'
SHAPE = '<g><title>a part</title><rect x="{x}" y="{y}" width="60" height="20" fill="teal"/><text x="9" y="9">a word</text></g>'
_component = st.components.v2.component("bare.stepper", html="<nav>Steps</nav>", js="export default function () {}")


def chart(value: int) -> None:
    figure = go.Figure([go.Bar(x=list("abcdefgh"), y=[value + bar for bar in range(8)]) for _ in range(2)])
    st.plotly_chart(figure, key=f"chart_{next(numbers)}", height=330)


def image(value: int) -> None:
    st.image(SVG.format(shapes="".join(SHAPE.format(x=value, y=20 * part) for part in range(60))), width="stretch")


DRAWN = {
    "markdown": lambda value: st.markdown(f"Words. {'Words. ' * 20}{value}"),
    "caption": lambda value: st.caption(f":material/calculate: **Computed** {value}", help="Words."),
    "code": lambda value: st.code(f"1·1·{value}·64\n+ 3·3·64·64\n= {value}", language=None),
    "chart": chart, "image": image,
    "table": lambda value: st.table(pd.DataFrame({f"column {each}": [f"{value + row:,}" for row in range(5)] for each in range(4)})),
    "dataframe": lambda value: st.dataframe(pd.DataFrame({f"column {each}": range(value, value + 20) for each in range(5)})),
    "metric": lambda value: st.metric("Number", f"{value:,}"),
    "button": lambda value: st.button(f"Button {next(numbers)}", help="Words."),
    "expander": lambda value: st.expander("More", on_change="rerun"),
    "block": lambda value: st.container().empty(),
}


@st.fragment
def body(wanted: dict[str, int]) -> None:
    with st.container(key="lesson"):
        bar = st.columns([2, 10])
        bar[0].title("Bare", anchor=False)
        left, right = st.columns([9, 11], gap="medium")
        with left:
            value = sum(st.select_slider(f"Knob {number}", tuple(range(20)), 10, key=f"knob_{number}", help="Words.")
                        for number in range(wanted.get("slider", 1)))
        with right:
            for kind, draw in DRAWN.items():
                for _number in range(wanted.get(kind, 0)):
                    draw(value)
        with bar[1]:
            _component(key="stepper", data={"steps": [{"id": str(number), "title": "A step of this"} for number in range(12)]})
    st.query_params["value"] = str(value)


numbers = iter(range(1000))
st.set_page_config(page_title="Bare", layout="wide")
st.html("<style></style>")
given = {name: int(text) for name, text in st.query_params.items()}
st.navigation([st.Page(lambda: body(given), title="Bare")], position="top").run()

"""The start page."""

import streamlit as st

st.title("Backbone Lab", anchor=False)

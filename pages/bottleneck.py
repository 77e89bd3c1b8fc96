import streamlit as st

st.title("Bottleneck", anchor=False)

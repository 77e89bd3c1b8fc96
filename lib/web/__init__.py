"""The web server beside its pages: what stands between the browsers and Streamlit. Nothing here knows Streamlit."""

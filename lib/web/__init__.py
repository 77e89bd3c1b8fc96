"""What stands between the browsers and Streamlit: middleware of the web server, which knows nothing of the pages."""

"""What the web server does beside showing pages; nothing here knows Streamlit."""

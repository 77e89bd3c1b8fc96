"""What the lessons compute: real blocks and networks compared. No Streamlit here."""

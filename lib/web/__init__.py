"""What stands between the network and the pages; none of it knows Streamlit."""

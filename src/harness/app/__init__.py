"""The dashboard: a Streamlit app over run folders. It reads; it makes nothing."""

"""What the dashboard's pages show, as plain data; made without Streamlit, so that it can be tested without it."""

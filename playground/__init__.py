"""The app: everything that knows Streamlit, apart from the page scripts."""

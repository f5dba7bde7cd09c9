"""Charts: numbers in, a Plotly figure out. Pure, with no Streamlit; the views put them on the page."""

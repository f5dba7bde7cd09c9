"""The browser components, a file each: token chips, the matrix that opens any number, the head grid, and others.

Each is a Streamlit component (v2): a Python function that prepares the data, and JavaScript and CSS
read from the files beside it. Nothing in here imports torch.
"""

"""The browser components: token chips, the matrix that opens any number, the head grid, the spine.

Each is a Streamlit component (v2): a Python function that prepares the data, and JavaScript and CSS
read from the files beside it. Pages import from here; nothing in here imports torch.
"""

from playground.components.chips import token_chips
from playground.components.heads import head_grid
from playground.components.matrix import matrix
from playground.components.spine import spine

__all__ = ["head_grid", "matrix", "spine", "token_chips"]

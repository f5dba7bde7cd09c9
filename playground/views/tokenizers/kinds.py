"""What the page calls each kind of tokenizer. No Streamlit."""

from __future__ import annotations

TITLES = {
    "char": "Characters",
    "byte": "Bytes",
    "word": "Words",
    "bpe": "BPE on bytes",
    "bpe-char": "BPE on characters",
    "wordpiece": "WordPiece",
    "unigram": "Unigram",
}
"""What the page calls each of our kinds."""

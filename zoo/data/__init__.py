"""Corpora: the texts that tokenizers and models are trained on."""

from zoo.data.text import Corpus, read_corpus

__all__ = ["Corpus", "read_corpus"]

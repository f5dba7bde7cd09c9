"""Corpora: the texts that tokenizers and models are trained on."""

from zoo.data.corpus import Corpus
from zoo.data.sources import GLASS_BOX, language_of, open_corpus
from zoo.data.text import read_corpus

__all__ = ["GLASS_BOX", "Corpus", "language_of", "open_corpus", "read_corpus"]

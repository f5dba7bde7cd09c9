"""Corpora: the texts that tokenizers and models are trained on."""

from zoo.data.corpus import Corpus
from zoo.data.sources import GLASS_BOX, GLASS_PAIRS, language_of, open_corpus, pairs_of
from zoo.data.text import read_corpus

__all__ = ["GLASS_BOX", "GLASS_PAIRS", "Corpus", "language_of", "open_corpus", "pairs_of", "read_corpus"]

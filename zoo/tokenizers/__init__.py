"""Tokenizers: text -> ids and back, each trained on a corpus and saved as `tokenizer.json`."""

from zoo.tokenizers.tokenizer import Encoding, Tokenizer
from zoo.tokenizers.train import KINDS, UNKNOWN, Kind, kind_of, train_tokenizer

__all__ = ["KINDS", "UNKNOWN", "Encoding", "Kind", "Tokenizer", "kind_of", "train_tokenizer"]

"""The page Tokenizers: how a text becomes tokens, and which tokenizer to choose."""

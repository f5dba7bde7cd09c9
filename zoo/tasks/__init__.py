"""What a model is asked to do: how a batch is cut from the tokens, and how an answer is scored."""

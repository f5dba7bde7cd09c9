"""Tokenizers: how a text is cut into tokens."""

from playground.shell import inside

if inside():
    from playground.views import tokenizers

    tokenizers.draw()

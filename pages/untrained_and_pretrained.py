"""Twins: one architecture with random, shuffled, half-trained and trained weights."""

from playground.shell import inside

if inside():
    from playground.views import twins

    twins.draw()

"""Sequential and parallel: recurrent networks beside transformers, measured."""

from playground.shell import inside

if inside():
    from playground.views import sequential

    sequential.draw()

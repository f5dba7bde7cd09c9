"""One prediction, step by step, with every number open."""

from playground.shell import inside

if inside():
    from playground.views import forward_pass

    forward_pass.draw()

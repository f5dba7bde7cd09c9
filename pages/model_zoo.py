"""Model zoo: every model that is installed."""

from playground.shell import inside

if inside():
    from playground.views import model_zoo

    model_zoo.draw()

"""Train a model in the app, and watch it learn."""

from playground.shell import inside

if inside():
    from playground.views import train

    train.draw()

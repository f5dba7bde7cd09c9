"""Home: which word does the model expect next?"""

from playground.shell import inside

if inside():
    from playground.views import next_word

    next_word.draw()

"""The glass box: a language of small stories whose true next-word distribution is known exactly.

- `program.py`   what a language is written in; `tables.py`, `asides.py`, `plots.py`: ours, written in it
- `compile.py`, `network.py`   the program as hidden states
- `reader.py`    the exact next word after any beginning; `needs.py`: what settles a word, how far back
- `entropy.py`   the entropy rate, computed; `sampler.py`: stories by seed; `text.py`: words and text
- `box.py`       `GlassBox`, which has all of it
"""

from zoo.data.glass_box.box import DEFAULT, GlassBox
from zoo.data.glass_box.entropy import Measure
from zoo.data.glass_box.needs import NEAR, Need
from zoo.data.glass_box.network import END
from zoo.data.glass_box.reader import Reader
from zoo.data.glass_box.sampler import Story

__all__ = ["DEFAULT", "END", "NEAR", "GlassBox", "Measure", "Need", "Reader", "Story"]

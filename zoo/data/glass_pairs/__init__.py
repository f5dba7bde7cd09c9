"""Glass pairs: English sentences and their one right translation into Lirumo, a language of our own making.

- `lexicon.py`  the dictionary; `rules.py`: both languages' grammar, rule beside rule; both are ours
- `grammar.py`  the two, read: a synchronous grammar
- `draw.py`     English sentences of an exact length, by seed; `parse.py`: how a typed one is built
- `speak.py`    a sentence's translation, its alignment and its agreement
- `pairs.py`    `GlassPairs`, which has all of it
"""

from zoo.data.glass_pairs.pairs import DEFAULT, LANGUAGE, LENGTHS, GlassPairs, Part
from zoo.data.glass_pairs.speak import Pair

__all__ = ["DEFAULT", "LANGUAGE", "LENGTHS", "GlassPairs", "Pair", "Part"]

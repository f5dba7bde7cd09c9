"""Memory that a step gives back is kept for the next one, instead of being handed to the system and asked for again.

Used by `train`.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as in malloc.h
_LARGE = 2**25  # the most that every glibc takes


def keep_freed_memory() -> bool:
    """Tell the C library so, where it is one that listens (glibc's); True where it was told.

    A step of a small model asks for and frees the same tens of megabytes each time; fetching them page by
    page from the system took 6 % of a step. A process's share of memory stays at its peak in exchange.
    """
    try:
        return all(ctypes.CDLL(None).mallopt(name, _LARGE) == 1 for name in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))
    except (AttributeError, OSError, TypeError):  # no such function, or no such way to find it
        return False

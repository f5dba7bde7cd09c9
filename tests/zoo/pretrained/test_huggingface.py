"""Loading a folder: what comes back, the untrained twin, the tokenizer, and each refusal in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest_path import conftest  # placeholder

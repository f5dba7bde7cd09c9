"""For every test: one torch thread, property tests without a deadline, and where the shared fixtures lie."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

torch.set_num_threads(1)
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("ci")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of corpora and models beside the checkout; skips where there is none."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared, which is not part of the repository")
    return SHARED


@pytest.fixture(scope="session")
def stories260k(shared: Path) -> Path:
    """A small, really trained model of the Llama architecture, in Hugging Face format."""
    folder = shared / "models" / "stories260k"
    if not folder.is_dir():
        pytest.skip("needs ../shared/models/stories260k, which is not part of the repository")
    return folder

"""What the tests of the Python package share."""

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
# Keras would look for TensorFlow, which is not among the requirements.
os.environ.setdefault("KERAS_BACKEND", "torch")
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def run(tmp_path):
    """Where a run shall be."""
    return tmp_path / "runs" / "cnn"

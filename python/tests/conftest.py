"""Common fixtures of the tests of the Python package."""

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
    """Path of a run that does not exist yet."""
    return tmp_path / "runs" / "cnn"

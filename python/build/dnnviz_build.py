"""Builds the package with maturin, and puts the bundled recording where the installed viewer finds it.

maturin takes a wheel's data from a folder laid out as it shall be installed, and does not follow links
to folders there; so the recording is copied for as long as the build takes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import maturin
from maturin import (
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / "python" / "wheel" / "data" / "share" / "dnnviz" / "demo"


@contextmanager
def _demo() -> Iterator[None]:
    shutil.rmtree(INSTALLED, ignore_errors=True)
    try:
        shutil.copytree(ROOT / "assets" / "demo", INSTALLED)
        yield
    finally:
        shutil.rmtree(INSTALLED, ignore_errors=True)


def build_wheel(*arguments: Any, **options: Any) -> str:
    """As maturin's, with the bundled recording."""
    with _demo():
        return str(maturin.build_wheel(*arguments, **options))


def build_editable(*arguments: Any, **options: Any) -> str:
    """As maturin's, with the bundled recording."""
    with _demo():
        return str(maturin.build_editable(*arguments, **options))

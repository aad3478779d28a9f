"""What a recorder raises and warns of."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class RecorderError(ValueError):
    """The recorder was used in a way that cannot be recorded; the message says what to change."""


class RecordingWarning(UserWarning):
    """Something was recorded with a loss, or not recorded, while the training goes on."""


class WriteError(OSError):
    """A file of the recording could not be written. Told apart from what a model or a data set raises."""

    def reason(self) -> str:
        """What went wrong, without the errno's number."""
        return f"{self.strerror} ({self.filename})"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the operating system says into a `WriteError` about `path`."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        number = error.errno if error.errno is not None else errno.EIO
        raise WriteError(number, error.strerror or str(error), str(path)) from error


def warn(message: str) -> None:
    """Warns at the line outside this package that led here."""
    package = os.path.dirname(__file__)
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and os.path.dirname(frame.f_code.co_filename) == package:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, RecordingWarning, stacklevel=level)

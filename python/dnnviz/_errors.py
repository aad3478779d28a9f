"""Errors and warnings of the recorder."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGE = os.path.dirname(__file__) + os.sep


class RecorderError(ValueError):
    """The recorder was used in a way that cannot be recorded; the message says what to change."""


class RecordingWarning(UserWarning):
    """Something was recorded with a loss, or not recorded, while the training goes on."""


class WriteError(OSError):
    """A file of the recording could not be written. Distinct from errors of a model or a data set."""

    def reason(self) -> str:
        """The cause, without the errno's number."""
        return f"{self.strerror} ({self.filename})"


def one_line(error: BaseException) -> str:
    """Returns the class and the message of an exception as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text if len(text) <= 300 else text[:299] + '…'}"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an `OSError` into a `WriteError` about `path`."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        number = error.errno if error.errno is not None else errno.EIO
        raise WriteError(number, error.strerror or str(error), str(path)) from error


def warn(message: str) -> None:
    """Issues a `RecordingWarning`, attributed to the closest caller outside this package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, RecordingWarning, stacklevel=level)

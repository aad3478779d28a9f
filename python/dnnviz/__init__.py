"""Records the activations of a neural network during its training, for the viewer `dnnviz`.

rec = dnnviz.Recorder("runs/cnn", model, inputs=(x, y), classes=names)
for epoch in range(n):
    ...
    rec.epoch(epoch, accuracy=accuracy, loss=loss)
"""

from ._errors import RecorderError, RecordingWarning
from ._recorder import Recorder
from ._version import __version__

__all__ = ["Recorder", "RecorderError", "RecordingWarning", "__version__"]

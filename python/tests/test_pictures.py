"""Pictures of the inputs: thumbnails, and given ones."""

import io

import numpy as np
import pytest
from networks import Network, data
from PIL import Image
from readers import arrays

from dnnviz import Recorder, RecorderError
from dnnviz._inputs.pictures import thumbnails

pytestmark = pytest.mark.filterwarnings("error")


class Flat(Network):
    """A network on images of any shape."""

    def hidden(self, x):
        return super().hidden(np.stack([x.reshape(len(x), -1).mean(axis=1)] * 5, axis=1).astype(np.float32))


def recorded(run, images, **options):
    with Recorder(run, Flat(), (images, None), **options):
        return arrays(run / "inputs.safetensors")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("last", [False, True])
def test_each_is_scaled_to_its_own_range(run, channels, last):
    images = np.random.default_rng(0).normal(size=(10, 8, 12, channels)).astype(np.float32) * 50
    images[4] = 7.0
    given = images if last else images.transpose(0, 3, 1, 2)
    pictures = recorded(run, given, batch_size=3)["pictures"]
    assert pictures.dtype == np.uint8 and pictures.shape == images.shape
    for index, (picture, image) in enumerate(zip(pictures, images, strict=True)):
        if index == 4:
            assert not picture.any()
        else:
            stretched = 255 * (image - image.min()) / (image.max() - image.min())
            np.testing.assert_allclose(picture, stretched, atol=0.51)


def test_8_bit_images_are_stored_unchanged(run):
    images = np.random.default_rng(0).integers(10, 90, size=(4, 28, 28, 1), dtype=np.uint8)
    np.testing.assert_array_equal(recorded(run, images)["pictures"], images)


def test_large_ones_are_averaged_over_areas():
    images = np.random.default_rng(0).integers(0, 255, size=(3, 128, 64, 3), dtype=np.uint8)
    small = thumbnails(images)
    assert small.shape == (3, 64, 32, 3)
    for picture, image in zip(small, images, strict=True):
        resized = np.asarray(Image.fromarray(image).resize((32, 64), Image.Resampling.BOX))
        assert np.abs(picture.astype(int) - resized.astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("height", "width", "wanted"), [(100, 224, (29, 64)), (65, 65, (64, 64)), (2, 999, (1, 64))]
)
def test_downscaling_preserves_the_mean(height, width, wanted):
    images = np.random.default_rng(0).integers(0, 255, size=(3, height, width, 3), dtype=np.uint8)
    small = thumbnails(images)
    assert small.shape == (3, *wanted, 3)
    np.testing.assert_allclose(small.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=0.5)


def test_only_stored_inputs_have_pictures(run):
    images = np.random.default_rng(0).integers(0, 255, size=(9, 8, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(recorded(run, images, keep=[8, 2])["pictures"], images[[2, 8]])


def test_stored_inputs_of_batches_have_pictures(run):
    images = np.random.default_rng(0).integers(0, 255, size=(9, 8, 8, 3), dtype=np.uint8)
    batches = [(images[:4], np.zeros(4)), (images[4:], np.zeros(5))]
    with Recorder(run, Flat(), batches, keep=6):
        np.testing.assert_array_equal(arrays(run / "inputs.safetensors")["pictures"], images[:6])


def test_other_inputs_have_none(run):
    x, y = data(10)
    with Recorder(run, Network(), (x, y)):
        assert set(arrays(run / "inputs.safetensors")) == {"labels"}


def test_given_pixels_and_ids(run):
    x, y = data(10)
    pixels = np.random.default_rng(0).integers(0, 255, size=(10, 6, 4), dtype=np.uint8)
    names = [f"Größe {i}" for i in range(10)]
    with Recorder(run, Network(), (x, y), pictures=pixels, ids=names, keep=[1, 5]):
        stored = arrays(run / "inputs.safetensors")
    np.testing.assert_array_equal(stored["pictures"], pixels[[1, 5], :, :, None])
    text, ends = stored["ids.bytes"].tobytes(), stored["ids.offsets"]
    assert [text[ends[i] : ends[i + 1]].decode() for i in range(2)] == ["Größe 1", "Größe 5"]


def test_given_files_are_stored_unchanged(run):
    x, y = data(3)
    file = io.BytesIO()
    Image.new("RGB", (5, 5), "red").save(file, "PNG")
    with Recorder(run, Network(), (x, y), pictures=[file.getvalue(), None, b""]):
        stored = arrays(run / "inputs.safetensors")
    assert stored["pictures.bytes"].tobytes() == file.getvalue()
    np.testing.assert_array_equal(stored["pictures.offsets"], np.array([0, 1, 1, 1]) * len(file.getvalue()))


def test_invalid_pictures_are_refused(run):
    x, y = data(3)
    with pytest.raises(RecorderError, match="picture 1 is neither a PNG nor a JPEG"):
        Recorder(run, Network(), (x, y), pictures=[None, b"BM", None])
    assert not run.exists()


def test_images_with_nan_have_pictures():
    images = np.full((2, 3, 4, 4), np.nan, np.float32)
    images[0, :, 0, 0] = 5.0
    images[1] = np.inf
    pictures = thumbnails(images)
    assert pictures[0, 0, 0].tolist() == [255, 255, 255] and not pictures[1].any()

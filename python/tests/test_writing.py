"""Write errors, concurrent writers, resumption and killed writers."""

import errno
import gc
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from networks import NAMES, Network, data
from readers import arrays, epoch, info, left_over, manifest, numbers

from dnnviz import Recorder, RecorderError, RecordingWarning

X, Y = data(64)
HERE = Path(__file__).parent


def python(code, *arguments, **options):
    """Starts a Python process that imports the same package and these helpers."""
    paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.fixture
def tight(tmp_path):
    """Returns a function that limits the size of files, as on a full disk, until the test ends."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def wait_for(run, number):
    """Waits until an epoch is committed."""
    while number not in numbers(run):
        time.sleep(0.01)


def epochs_are_whole(run, scales):
    """Asserts that exactly these epochs are recorded, each with its values."""
    assert numbers(run) == sorted(scales)
    network = Network()
    for number, scale in scales.items():
        network.scale = scale
        np.testing.assert_array_equal(epoch(run, number)["0/units"], network.hidden(X))
    assert info(run)["warnings"] == []


@pytest.mark.parametrize("background", [False, True])
def test_a_full_disk_warns_once_and_the_training_continues(run, tight, background):
    network = Network()
    with Recorder(run, network, (X, Y), background=background) as recorder:
        recorder.epoch(0)
        wait_for(run, 0)
        network.scale = 2.0
        tight(100)
        with pytest.warns(
            RecordingWarning, match=r"epoch 1 was not recorded: File too large .*goes on"
        ) as warned:
            recorder.epoch(1)
            recorder.epoch(2)
        assert len(warned) == 1
        tight(-1)
        recorder.epoch(3)
    assert left_over(run) == []
    epochs_are_whole(run, {0: 1.0, 3: 2.0})


def test_a_full_file_system(tmp_path):
    """With a file system of its own, if the test may mount one; the error precedes the forward pass."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        network = Network(hidden=4096)
        with Recorder(disk / "cnn", network, (X[:4], Y[:4]), batch_size=2) as recorder:
            recorder.epoch(0)
            calls = network.calls
            with pytest.warns(RecordingWarning, match="epoch 1 was not recorded: No space left on device"):
                recorder.epoch(1)
            assert network.calls == calls + 1
        assert numbers(disk / "cnn") == [0] and left_over(disk) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_strict_raises(run, tight):
    network = Network()
    with Recorder(run, network, (X, Y), strict=True) as recorder:
        recorder.epoch(0)
        tight(100)
        with pytest.raises(OSError, match="File too large") as error:
            recorder.epoch(1)
        assert error.value.errno == errno.EFBIG
        tight(-1)
        recorder.epoch(1)
    epochs_are_whole(run, {0: 1.0, 1: 1.0})


def test_strict_raises_in_the_background_too(run):
    with Recorder(run, Network(), (X, Y), strict=True, background=True) as recorder:
        recorder.epoch(0)
        wait_for(run, 0)
        shutil.rmtree(run)
        with pytest.raises(OSError, match="No such file"):
            recorder.epoch(1)


def test_a_read_only_folder_warns(run):
    """In a process without the right to override permissions."""
    code = """
        import os, sys, warnings
        import numpy as np
        from dnnviz import Recorder, RecordingWarning
        from networks import Network, data
        if os.getuid() == 0:
            os.setgid(65534); os.setuid(65534)
        run, x = sys.argv[1], data(64)
        with Recorder(run, Network(), x) as recorder:
            recorder.epoch(0)
            os.chmod(run + "/epochs", 0o555)
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                recorder.epoch(1)
                recorder.epoch(2)
            assert [w.category for w in warned] == [RecordingWarning], warned
            assert "epoch 1 was not recorded: Permission denied" in str(warned[0].message), warned[0]
            os.chmod(run + "/epochs", 0o755)
            recorder.epoch(3)
        print("done")
    """
    for folder in [run.parent.parent, *run.parent.parent.parents]:
        if folder.stat().st_uid == os.getuid() and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o755)
    run.parent.mkdir()
    run.parent.chmod(0o777)
    output, _ = python(code, run).communicate(timeout=60)
    assert output == "done\n"
    epochs_are_whole(run, {0: 1.0, 3: 1.0})


def test_a_read_only_path_is_an_error_of_the_constructor(run):
    run.parent.mkdir()
    (run.parent / "file").write_text("")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        Recorder(run.parent / "file" / "cnn", Network(), (X, Y))


def test_a_deleted_run_warns_and_strict_raises(run):
    network = Network()
    with Recorder(run, network, (X, Y)) as recorder:
        recorder.epoch(0)
        shutil.rmtree(run)
        with pytest.warns(RecordingWarning, match="epoch 1 was not recorded: No such file") as warned:
            recorder.epoch(1)
            recorder.epoch(2)
        assert len(warned) == 1 and not run.exists()
    with Recorder(run, network, (X, Y), strict=True) as recorder:
        recorder.epoch(0)
        shutil.rmtree(run)
        with pytest.raises(OSError, match="No such file"):
            recorder.epoch(1)


def test_a_replaced_run_is_not_written(run):
    with Recorder(run, Network(), (X, Y)) as old:
        old.epoch(0)
        shutil.rmtree(run)
        with Recorder(run, Network(), (X, Y)) as new:
            new.epoch(7)
            with pytest.warns(RecordingWarning, match="epoch 1 was not recorded: the run was replaced"):
                old.epoch(1)
        epochs_are_whole(run, {7: 1.0})


def test_two_writers(run):
    code = """
        import sys
        from dnnviz import Recorder
        from networks import Network, data
        with Recorder(sys.argv[1], Network(), data(64)) as recorder:
            recorder.epoch(0)
            print("ready", flush=True)
            sys.stdin.read()
            recorder.epoch(1)
    """
    other = python(code, run)
    assert other.stdout.readline() == "ready\n"
    before = time.monotonic()
    with pytest.raises(RecorderError, match=f"{run} is being written by pid {other.pid} on .*; wait"):
        Recorder(run, Network(), (X, Y), resume=True)
    assert 0.9 < time.monotonic() - before < 5
    with pytest.raises(RecorderError, match="exists already"):
        Recorder(run, Network(), (X, Y))
    other.communicate("", timeout=60)
    assert other.returncode == 0
    with Recorder(run, Network(), (X, Y), resume=True) as recorder:
        recorder.epoch(2)
    epochs_are_whole(run, {0: 1.0, 1: 1.0, 2: 1.0})


def test_a_reader_that_tests_the_lock_is_waited_for(run):
    with Recorder(run, Network(), (X, Y)):
        pass
    code = """
        import fcntl, sys, time
        lock = open(sys.argv[1])
        fcntl.flock(lock, fcntl.LOCK_SH)
        print("ready", flush=True)
        time.sleep(0.3)
    """
    reader = python(code, run / "writer.lock")
    reader.stdout.readline()
    with Recorder(run, Network(), (X, Y), resume=True) as recorder:
        recorder.epoch(0)
    reader.communicate(timeout=60)
    assert numbers(run) == [0]


def test_two_new_runs_of_one_path(run):
    """Arrays are published with their first epoch; the second recorder finds the path in use."""
    first, second = Recorder(run), Recorder(run)
    for recorder in (first, second):
        recorder.layer("a", X)
    first.epoch(0)
    with pytest.raises(RecorderError, match="exists already"):
        second.epoch(5)
    first.close()
    second.close()
    assert numbers(run) == [0] and left_over(run.parent) == []


def test_a_forked_child_neither_holds_the_lock_nor_removes_the_run(run):
    code = """
        import os, sys
        from dnnviz import Recorder
        from networks import Network, data
        recorder = Recorder(sys.argv[1], Network(), data(64))
        unpublished = Recorder(sys.argv[1] + "-arrays")
        child = os.fork()
        if child == 0:
            recorder.close(); unpublished.close()
            print("child", flush=True)
            sys.stdin.read()
            os._exit(0)
        recorder.epoch(0)
        unpublished.layer("a", data(64)[0])
        unpublished.epoch(0)
        os.kill(os.getpid(), 9)
    """
    other = python(code, run)
    assert other.stdout.readline() == "child\n"
    other.wait(timeout=60)
    with Recorder(run, Network(), (X, Y), resume=True) as recorder:
        assert recorder.last_epoch == 0
    assert numbers(run.with_name("cnn-arrays")) == [0]
    other.stdin.close()
    other.stdout.close()


def test_resuming_continues_the_run(run):
    network = Network()
    for round in range(3):
        network.scale = 2.0**round
        with Recorder(run, network, (X, Y), classes=NAMES, resume=True) as recorder:
            first = 0 if recorder.last_epoch is None else recorder.last_epoch + 1
            assert first == 2 * round
            if first:
                with pytest.raises(RecorderError, match=f"epoch {first - 1} is recorded already"):
                    recorder.epoch(first - 1)
            recorder.epoch(first)
            recorder.epoch(first + 1)
    epochs_are_whole(run, {0: 1.0, 1: 1.0, 2: 2.0, 3: 2.0, 4: 4.0, 5: 4.0})


def test_resuming_removes_unfinished_files_and_keeps_others(run):
    with Recorder(run, Network(), (X, Y)) as recorder:
        recorder.epoch(0)
    for left in [run / ".manifest.json.1.partial", run / "epochs" / ".000001.safetensors.2.partial"]:
        left.write_text("half")
    (run / "epochs" / "000001.safetensors").write_text("renamed, not committed")
    (run / "notes.txt").write_text("mine")
    with Recorder(run, Network(), (X, Y), resume=True) as recorder:
        assert left_over(run) == []
        recorder.epoch(1)
    epochs_are_whole(run, {0: 1.0, 1: 1.0})
    assert (run / "notes.txt").read_text() == "mine"


def test_a_collected_recorder_releases_the_run(run):
    recorder = Recorder(run, Network(), (X, Y))
    recorder.epoch(0)
    arrays_only = Recorder(run.with_name("other"))
    del recorder, arrays_only
    gc.collect()
    assert left_over(run.parent) == []
    with Recorder(run, Network(), (X, Y), resume=True) as recorder:
        recorder.epoch(1)
    assert numbers(run) == [0, 1]


def test_the_end_of_the_program_waits_for_the_background(run):
    code = """
        import sys
        from dnnviz import Recorder
        from networks import Network, data
        recorder = Recorder(sys.argv[1], Network(), data(64), background=True)
        for number in range(5):
            recorder.epoch(number)
    """
    other = python(code, run)
    other.communicate(timeout=60)
    assert other.returncode == 0
    epochs_are_whole(run, dict.fromkeys(range(5), 1.0))


#: Forks a recording child for each line of input; prints its process id, then each recorded epoch.
FORKING = """
    import os, sys, warnings
    import numpy as np
    from dnnviz import Recorder
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            say = lambda *words: os.write(1, (" ".join(map(str, words)) + "\\n").encode())
            say("pid", os.getpid())
            recorder = Recorder(sys.argv[1], resume=True)
            number = 0 if recorder.last_epoch is None else recorder.last_epoch + 1
            while True:
                recorder.layer("a", np.full((50, 40), number, np.float32), labels=np.arange(50) % 5)
                recorder.layer("b", np.full((50, 8), -number, np.float32))
                recorder.epoch(number, loss=number)
                say("epoch", number)
                number += 1
        os.waitpid(child, 0)
        os.write(1, b"gone\\n")
"""


def test_a_writer_killed_at_any_moment(run):
    random = np.random.default_rng(int(time.time()))
    starter = python(FORKING, run)
    recorded = committed_before = -1
    kills = 0
    while kills < 100:
        starter.stdin.write("go\n")
        starter.stdin.flush()
        _, child = starter.stdout.readline().split()
        time.sleep(random.uniform(0, 0.12))
        os.kill(int(child), signal.SIGKILL)
        kills += 1
        for line in iter(starter.stdout.readline, "gone\n"):
            recorded = int(line.split()[1])
        if not run.exists():
            assert recorded < 0
            continue
        committed = manifest(run)["epochs"]
        assert [entry["number"] for entry in committed] == list(range(len(committed)))
        # The reported epochs are committed, and at most one more.
        before = max(recorded, committed_before)
        assert before <= len(committed) - 1 <= before + 1
        committed_before = len(committed) - 1
        for entry in committed[-30:]:
            stored = arrays(run / entry["files"][0])
            assert (stored["0/units"] == entry["number"]).all() and (
                stored["1/units"] == -entry["number"]
            ).all()
            assert entry["loss"] == entry["number"]
        if kills % 10 == 0:
            summary = info(run)
            assert len(summary["epochs"]) == len(committed) and summary["warnings"] == []
    starter.stdin.close()
    assert starter.wait(timeout=60) == 0
    starter.stdout.close()
    assert recorded > 20, "too few epochs for the kills to hit captures"
    with Recorder(run, resume=True) as recorder, warnings.catch_warnings():
        warnings.simplefilter("error")
        recorder.layer("a", np.zeros((50, 40)), labels=np.arange(50) % 5)
        recorder.layer("b", np.zeros((50, 8)))
        recorder.epoch(recorder.last_epoch + 1)
    assert left_over(run) == []

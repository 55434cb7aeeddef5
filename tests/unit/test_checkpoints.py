"""Saved states: what is kept, what is refused, what survives damage."""

import errno
import os
import random
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from galaxies.checkpoints import Checkpoints, random_state, save_torch, set_random_state, settings_digest
from galaxies.errors import TrainingError

DIGEST = "0123456789abcdef" * 4
HOLD = """
import sys
from galaxies.checkpoints import Checkpoints
with Checkpoints(sys.argv[1], "ab" * 32):
    print("held", flush=True)
    sys.stdin.read()
"""


def state(value):
    return {"weights": torch.full((100,), float(value)), "epoch": value}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


def saved_files(folder):
    return sorted(path.name for path in folder.rglob("*.pt"))


def test_the_newest_state_comes_back(folder):
    with Checkpoints(folder, DIGEST) as checkpoints:
        assert checkpoints.load() is None
        for value in (1, 2, 3):
            checkpoints.save(state(value))
    with Checkpoints(folder, DIGEST) as checkpoints:
        loaded = checkpoints.load()
    assert loaded["epoch"] == 3
    assert torch.equal(loaded["weights"], torch.full((100,), 3.0))
    assert saved_files(folder) == ["previous.pt", "state.pt"]


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_truncated_state_falls_back_to_the_one_before(folder, keep, caplog):
    with Checkpoints(folder, DIGEST) as checkpoints:
        checkpoints.save(state(1))
        checkpoints.save(state(2))
        (newest,) = folder.rglob("state.pt")
        size = newest.stat().st_size
        os.truncate(newest, int(keep * size) if keep < 1 else keep)
        assert checkpoints.load()["epoch"] == 1
    assert "damaged" in caplog.text
    assert str(newest) in caplog.text


def test_a_flipped_bit_is_noticed(folder, caplog):
    with Checkpoints(folder, DIGEST) as checkpoints:
        checkpoints.save({"weights": torch.ones(1000)})
        checkpoints.save({"weights": torch.ones(1000)})
        (newest,) = folder.rglob("state.pt")
        content = bytearray(newest.read_bytes())
        content[content.index(torch.ones(100).numpy().tobytes()) + 200] ^= 1
        newest.write_bytes(content)
        torch.testing.assert_close(checkpoints.load()["weights"], torch.ones(1000))
    assert "checksum" in caplog.text


def test_two_damaged_states_are_an_error_that_names_the_folder(folder):
    with Checkpoints(folder, DIGEST) as checkpoints:
        checkpoints.save(state(1))
        checkpoints.save(state(2))
        for path in folder.rglob("*.pt"):
            path.write_bytes(b"not a state")
        with pytest.raises(TrainingError, match=f"rm -r {folder / DIGEST[:16]}"):
            checkpoints.load()


def test_a_death_between_the_two_renames_loses_nothing(folder):
    with Checkpoints(folder, DIGEST) as checkpoints:
        checkpoints.save(state(1))
        (newest,) = folder.rglob("state.pt")
        newest.rename(newest.with_name("previous.pt"))
        assert checkpoints.load()["epoch"] == 1


def test_remains_of_a_killed_write_are_removed(folder):
    with Checkpoints(folder, DIGEST) as checkpoints:
        checkpoints.save(state(1))
    (newest,) = folder.rglob("state.pt")
    newest.with_name(".state.deadbeef.part.pt").write_bytes(b"half")
    with Checkpoints(folder, DIGEST):
        assert [path.name for path in newest.parent.iterdir()] == ["state.pt"]


def test_states_of_other_settings_are_removed_and_nothing_else(folder, caplog):
    with Checkpoints(folder, DIGEST) as checkpoints:
        checkpoints.save(state(1))
    (folder / "notes").mkdir()
    with Checkpoints(folder, "f" * 64) as checkpoints:
        assert checkpoints.load() is None
        assert not (folder / DIGEST[:16]).exists()
        assert (folder / "notes").exists()
    assert "other settings" in caplog.text


def test_leaves_nothing_behind_where_nothing_was_saved(folder):
    with Checkpoints(folder, DIGEST):
        pass
    assert [path.name for path in folder.iterdir()] == ["lock"]


def test_results_of_a_complete_training_take_the_place_of_its_state(folder, tmp_path):
    results = [tmp_path / "model.pt", tmp_path / "history.csv"]
    with Checkpoints(folder, DIGEST) as checkpoints:
        assert not checkpoints.restore(results)
        checkpoints.save(state(1))
        for path in results:
            path.write_text(path.name)
        checkpoints.finish(results)
        assert not list(folder.rglob("state.pt"))
    assert all(path.stat().st_nlink == 2 for path in results)  # kept without more space
    for path in results:
        path.unlink()
    with Checkpoints(folder, DIGEST) as checkpoints:
        assert checkpoints.restore(results)
    assert [path.read_text() for path in results] == ["model.pt", "history.csv"]
    with Checkpoints(folder, "f" * 64) as checkpoints:
        assert not checkpoints.restore(results)


def test_waits_for_the_writer_before_it(folder, caplog):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLD, str(folder)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert holder.stdout.readline() == "held\n"
    threading.Timer(0.5, holder.kill).start()
    with Checkpoints(folder, DIGEST, patience=20):
        assert "waiting for another training that writes here" in caplog.text
    holder.communicate()


def test_a_second_writer_is_refused_until_the_first_is_gone(folder):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLD, str(folder)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TrainingError, match=f"another training is writing here .process {holder.pid} on "):
            Checkpoints(folder, DIGEST).__enter__()
    finally:
        holder.kill()  # as the out-of-memory killer would
        holder.communicate()
    with Checkpoints(folder, DIGEST):
        pass


def test_digest_depends_on_every_value_and_not_on_their_order():
    base = settings_digest(experiment={"a": 1, "b": [1, 2]}, seed=0, code="x")
    assert base == settings_digest(code="x", seed=0, experiment={"b": [1, 2], "a": 1})
    others = [
        settings_digest(experiment={"a": 1, "b": [2, 1]}, seed=0, code="x"),
        settings_digest(experiment={"a": 1, "b": [1, 2]}, seed=1, code="x"),
        settings_digest(experiment={"a": 1, "b": [1, 2]}, seed=0, code="y"),
        settings_digest(experiment={"a": 1.5, "b": [1, 2]}, seed=0, code="x"),
    ]
    assert len({base, *others}) == 5


def test_every_random_generator_continues_where_it_stood(tmp_path):
    generator = torch.Generator().manual_seed(3)

    def draw():
        return [
            random.random(),
            np.random.normal(),
            torch.rand(3).tolist(),
            torch.rand(3, generator=generator).tolist(),
        ]

    draw()
    save_torch(random_state(generator), tmp_path / "random.pt")
    expected = draw()
    draw()
    set_random_state(torch.load(tmp_path / "random.pt", weights_only=True), generator)
    assert draw() == expected


def test_the_bytes_of_a_file_depend_on_its_content_alone(tmp_path):
    for name in ("one.pt", "two.pt"):
        save_torch(state(1), tmp_path / name)
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "two.pt").read_bytes()


def test_results_of_another_torch_are_not_put_back(folder, tmp_path, monkeypatch, caplog):
    result = tmp_path / "model.pt"
    result.write_text("weights")
    with Checkpoints(folder, DIGEST) as checkpoints:
        checkpoints.finish([result])
    monkeypatch.setattr(torch, "__version__", "1.0")
    with Checkpoints(folder, DIGEST) as checkpoints:
        assert not checkpoints.restore([result])
    assert "training anew" in caplog.text


def test_without_locks_nothing_is_trained(folder, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(TrainingError, match="no locks"):
        Checkpoints(folder, DIGEST).__enter__()

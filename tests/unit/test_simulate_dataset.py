"""A simulation appears whole, and two never write into one folder."""

import pytest
from filelock import FileLock

import simulate_dataset
from galaxies.datasets.hsc_cosmos import simulator
from galaxies.errors import ConfigError, DataError

HSC = {"images": 3, "seed": 1}


def test_it_appears_whole_and_leaves_nothing_beside_it(tmp_path):
    folder = tmp_path / "data" / "simulated"
    (folder.parent / ".simulated.part").mkdir(parents=True)
    (folder.parent / ".simulated.part" / "left").write_bytes(b"of a simulation that was killed")
    simulate_dataset.main(folder, dataset="hsc_cosmos", simulate=HSC, threads=1)
    assert len(list(folder.iterdir())) == 3
    assert {path.name for path in folder.parent.iterdir()} <= {"simulated", ".simulated.lock"}


def test_another_one_at_work_is_named(tmp_path):
    with FileLock(tmp_path / ".simulated.lock"), pytest.raises(DataError, match="another simulation is writing here"):
        simulate_dataset.main(tmp_path / "simulated", dataset="hsc_cosmos", simulate=HSC, threads=1)
    assert not (tmp_path / "simulated").exists()


def test_a_failed_one_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(simulator, "_catalogue", fail)
    with pytest.raises(OSError, match="No space left"):
        simulate_dataset.main(tmp_path / "simulated", dataset="hsc_cosmos", simulate=HSC, threads=1)
    assert {path.name for path in tmp_path.iterdir()} <= {".simulated.lock"}


def test_unknown_keys(tmp_path):
    with pytest.raises(ConfigError, match=r"data\.hsc_cosmos\.simulate: unknown key 'scored'"):
        simulate_dataset.main(tmp_path / "simulated", dataset="hsc_cosmos", simulate=HSC | {"scored": 1}, threads=1)

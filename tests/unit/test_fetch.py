"""What `source: download` brings, and how it is checked: against a server on this machine."""

import subprocess
import zipfile

import pytest
from misbehaving_server import File, serving
from small_gz2 import write_gz2

import fetch_file
from galaxies.datasets.gz2_kaggle import download as gz2
from galaxies.datasets.hsc_cosmos import download as hsc
from galaxies.errors import ConfigError, DataError


def test_hsc_files_are_checked_by_their_git_names(tmp_path, monkeypatch):
    content = b"0123456789" * 5000
    (tmp_path / "file").write_bytes(content)
    published = subprocess.run(["git", "hash-object", tmp_path / "file"], capture_output=True, text=True, check=True)
    for name, digest, passes in (("right", published.stdout.strip(), True), ("wrong", "0" * 40, False)):
        monkeypatch.setattr(hsc, "GIT_BLOBS", {"HSC_ids.npy": digest})
        with serving(File(content).whole) as server:
            monkeypatch.setattr(hsc, "URL", server.url)
            path = tmp_path / name / "HSC_ids.npy"
            if passes:
                fetch_file.main(path, layout="hsc_cosmos", name="HSC_ids.npy")
                assert path.read_bytes() == content
            else:
                with pytest.raises(DataError, match=r"git object name[\s\S]*simulated"):
                    fetch_file.main(path, layout="hsc_cosmos", name="HSC_ids.npy")
                assert not path.exists()


@pytest.mark.parametrize("layout", ["hsc_cosmos", "gz2_kaggle", "cil_cosmology"])
def test_files_that_are_not_published(tmp_path, layout):
    with pytest.raises(ConfigError, match=f"{layout} has no file 'other.zip' to download"):
        fetch_file.main(tmp_path / "other.zip", layout=layout, name="other.zip")
    with pytest.raises(ConfigError, match="hst_cosmos has no 'download'"):
        fetch_file.main(tmp_path / "other.zip", layout="hst_cosmos", name="other.zip")


def test_zenodo_archive_has_its_md5(tmp_path, monkeypatch):
    with serving(File(b"another archive").whole) as server:
        monkeypatch.setattr(gz2, "ZENODO_URL", f"{server.url}/images_gz2.zip")
        with pytest.raises(DataError, match="expected bc647032d31e50c798770cf4430525c7"):
            fetch_file.main(tmp_path / "images_gz2.zip", layout="gz2_kaggle", name="zenodo/images_gz2.zip")
    assert not list(tmp_path.iterdir())


def test_table_of_the_challenge_needs_all_its_rows(tmp_path):
    sample = write_gz2(tmp_path / "gz2")
    archive = tmp_path / "training_solutions_rev1.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(sample.solutions, sample.solutions.name)
    with pytest.raises(DataError, match="6 rows, expected 61578"):
        gz2.check_solutions(archive)

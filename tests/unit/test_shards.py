"""Views packed in pieces and joined: the same data as packed at once, wherever they are read from."""

import hashlib
import shutil
import tracemalloc

import h5py
import numpy as np
import pandas as pd
import pytest
from small_cil import write_cil

import pack_view
import prepare_catalogue
from galaxies.data.catalogue import read_catalogue, write_catalogue
from galaxies.data.packing import join_shards
from galaxies.data.shards import count_rows, count_shards, shard_rows
from galaxies.data.store import View
from galaxies.errors import DataError

COUNT = 53


class Sharded:
    """A data set of 53 images, packed at once and in shards, in one folder."""

    def __init__(self, folder):
        self.sample = write_cil(folder / "cil", labeled=18, scored=30, query=5, frame=12)
        self.out = folder / "out"
        self.out.mkdir()
        self.catalogue, self.provenance = self.out / "catalogue.csv", self.out / "provenance.json"
        prepare_catalogue.main(
            self.sample.folder,
            self.catalogue,
            self.provenance,
            dataset="cil_cosmology",
            source="local",
            unmatched="error",
            settings=self.sample.settings,
        )

    def pack(self, view, name="full_6", **options):
        pack_view.main(
            self.catalogue,
            self.provenance,
            view,
            folder=self.sample.folder,
            dataset="cil_cosmology",
            settings=self.sample.settings,
            name=name,
            threads=2,
            **options,
        )
        return view

    def shards(self, largest, name="full_6"):
        count = count_shards(count_rows(self.catalogue), largest)
        folder = self.out / "shards" / name
        return [self.pack(folder / f"{number}of{count}.h5", name, shard=[number + 1, count]) for number in range(count)]

    def joined(self, largest=7, name="full_6"):
        return self.pack(self.out / f"{name}_{largest}.h5", name, shards=self.shards(largest, name))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Not to be changed by a test."""
    return Sharded(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def sharded(kept, tmp_path):
    """A copy of everything that a test may damage."""
    copy = Sharded.__new__(Sharded)
    shutil.copytree(kept.out, tmp_path / "out", ignore=shutil.ignore_patterns("*.h5", "shards"))
    copy.sample, copy.out = kept.sample, tmp_path / "out"
    copy.catalogue, copy.provenance = copy.out / "catalogue.csv", copy.out / "provenance.json"
    return copy


def all_rows(count, largest):
    shards = count_shards(count, largest)
    return [shard_rows(count, shard, shards) for shard in range(1, shards + 1)]


@pytest.mark.parametrize(
    ("count", "largest", "sizes"),
    [(53, 7, [6, 7, 6, 7, 7, 6, 7, 7]), (53, 53, [53]), (53, 52, [26, 27]), (1, 7, [1]), (7, 7, [7]), (3, 1, [1] * 3)],
)
def test_rows_of_shards(count, largest, sizes):
    ranges = all_rows(count, largest)
    assert [len(rows) for rows in ranges] == sizes
    assert [row for rows in ranges for row in rows] == list(range(count))


def test_shards_are_as_equal_as_can_be():
    for count in range(1, 90):
        for largest in range(1, 12):
            sizes = [len(rows) for rows in all_rows(count, largest)]
            assert sum(sizes) == count and len(sizes) == -(-count // largest)
            assert max(sizes) <= largest and max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("name", "largest"), [("full_6", 1), ("full_6", 7), ("full_6", 53), ("histogram_10", 7), ("pooled_3", 40)]
)
def test_joined_shards_equal_one_piece(sharded, name, largest):
    whole = sharded.pack(sharded.out / "whole.h5", name)
    joined = sharded.joined(largest, name)
    with View(whole) as one, View(joined) as many:
        assert many.pixels.is_virtual and not one.pixels.is_virtual
        assert len(many.pixels.virtual_sources()) == -(-COUNT // largest)
        everything = np.arange(COUNT)
        np.testing.assert_array_equal(many.read(everything), one.read(everything))
        np.testing.assert_array_equal(many.ids, one.ids)
        np.testing.assert_array_equal(many.labels, one.labels)
        assert many.columns == one.columns and many.channels == one.channels
        assert many.digest() == one.digest() == hashlib.sha256(one.read(everything).tobytes()).hexdigest()
        one.check_pixels()
        many.check_pixels()
        assert set(many.attributes) == set(one.attributes)
        for key in ("dataset", "view", "size", "units", "dtype", "pixels_sha256", "catalogue_sha256", "simulated"):
            assert many.attributes[key] == one.attributes[key]


def test_rows_across_the_edges_of_shards(sharded):
    with View(sharded.joined(7)) as view:
        everything = view.read(np.arange(COUNT))
        rng = np.random.default_rng(0)
        for count in (0, 1, 2, 13, 53, 200):
            rows = rng.integers(0, COUNT, count)
            np.testing.assert_array_equal(view.read(rows), everything[rows])
        blocks = list(view.blocks())
        np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), everything)
        for first, block in blocks:
            np.testing.assert_array_equal(block, everything[first : first + len(block)])


def test_pixels_of_shards_are_those_of_the_images(sharded):
    first = {"labeled": 0, "scored": 10_000_000, "query": 20_000_000}
    with View(sharded.joined(7)) as view:
        for (subset, number), pixels in sharded.sample.pixels.items():
            row = view.read(view.rows(np.array([first[subset] + number])))[0, 0]
            np.testing.assert_allclose(row, pixels.astype(float).reshape(6, 2, 6, 2).mean((1, 3)), atol=1e-4)


def test_the_folder_may_be_moved(sharded, tmp_path, monkeypatch):
    with View(sharded.joined(7)) as view:
        expected = view.read(np.arange(COUNT))
    sharded.out.rename(tmp_path / "elsewhere")
    # What a working directory holds under the same names does not matter.
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "elsewhere", other)
    for path in (other / "shards" / "full_6").iterdir():
        with h5py.File(path, "r+") as file:
            file["pixels"][...] = -1
    for place in (tmp_path, other, tmp_path / "elsewhere" / "shards"):
        monkeypatch.chdir(place)
        with View(tmp_path / "elsewhere" / "full_6_7.h5") as view:
            np.testing.assert_array_equal(view.read(np.arange(COUNT)), expected)
            view.check_pixels()
    monkeypatch.chdir(tmp_path)
    with View("elsewhere/full_6_7.h5") as view:
        np.testing.assert_array_equal(view.read(np.arange(COUNT)), expected)


def test_missing_shard(sharded):
    joined = sharded.joined(7)
    (sharded.out / "shards" / "full_6" / "3of8.h5").unlink()
    with pytest.raises(DataError, match=r"1 of its 8 shards are missing: shards/full_6/3of8\.h5") as error:
        View(joined)
    assert "keep, move or copy them together" in error.value.hint


@pytest.mark.parametrize("length", [0, 100, 3000, -1])
def test_truncated_shard(sharded, length):
    joined = sharded.joined(7)
    path = sharded.out / "shards" / "full_6" / "3of8.h5"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=r"3of8\.h5: truncated, or no HDF5 file"):
        View(joined)


def test_shard_without_its_pixels(sharded):
    """HDF5 itself would read zeros."""
    joined = sharded.joined(7)
    with h5py.File(sharded.out / "shards" / "full_6" / "3of8.h5", "r+") as file:
        del file["pixels"]
    with pytest.raises(DataError, match=r"3of8\.h5: incomplete or damaged view"):
        View(joined)


def test_shard_that_is_cut_off_while_the_view_is_open(sharded):
    with View(sharded.joined(7)) as view:
        path = sharded.out / "shards" / "full_6" / "3of8.h5"
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(DataError, match=r"full_6_7\.h5: rows \d+ to \d+ cannot be read"):
            view.digest()


def test_changed_pixel_of_a_shard(sharded):
    shards = sharded.shards(7)
    with h5py.File(shards[2], "r+") as file:
        file["pixels"][1, 0, 2, 3] += 1
    with pytest.raises(DataError, match=r"2of8\.h5: the pixels are not those"):
        join_shards(shards, sharded.catalogue, sharded.out / "view.h5")
    assert not (sharded.out / "view.h5").exists()


def test_pixel_that_changes_after_joining(sharded):
    joined = sharded.joined(7)
    with h5py.File(sharded.out / "shards" / "full_6" / "2of8.h5", "r+") as file:
        file["pixels"][1, 0, 2, 3] += 1
    with View(joined) as view, pytest.raises(DataError, match="the pixels are not those"):
        view.check_pixels()


def test_shard_of_another_view(sharded):
    shards = sharded.shards(27)
    shards[1] = sharded.shards(27, "full_4")[1]
    with pytest.raises(DataError, match=r"1of2\.h5: packed otherwise than"):
        join_shards(shards, sharded.catalogue, sharded.out / "view.h5")


@pytest.mark.parametrize("change", [lambda s: s[::-1], lambda s: s[:-1], lambda s: [*s, s[-1]]])
def test_shards_that_are_not_the_catalogue(sharded, change):
    with pytest.raises(DataError, match="do not hold the objects of"):
        join_shards(change(sharded.shards(20)), sharded.catalogue, sharded.out / "view.h5")


@pytest.mark.parametrize("change", [lambda t: t.iloc[1:], lambda t: t.assign(score=t["score"] / 2)])
def test_shards_of_another_catalogue(sharded, change):
    """With other objects, or the same objects and other labels."""
    shards = sharded.shards(20)
    write_catalogue(sharded.catalogue, change(pd.read_csv(sharded.catalogue, index_col=0)))
    with pytest.raises(DataError, match="do not hold the objects of"):
        join_shards(shards, sharded.catalogue, sharded.out / "view.h5")


def test_a_view_is_no_shard_of_itself(sharded):
    joined = sharded.joined(53)
    (sharded.out / "shards" / "full_6" / "0of1.h5").write_bytes(joined.read_bytes())
    with pytest.raises(DataError):
        View(joined)


def test_part_of_a_catalogue(sharded):
    whole = read_catalogue(sharded.catalogue)
    for rows in all_rows(count_rows(sharded.catalogue), 7):
        part = read_catalogue(sharded.catalogue, rows)
        cut = slice(rows.start, rows.stop)
        assert part.ids.tolist() == whole.ids[cut].tolist()
        assert part.subset.tolist() == whole.subset[cut].tolist()
        assert part.order.tolist() == whole.order[cut].tolist()
        np.testing.assert_array_equal(part.labels, whole.labels.iloc[cut])
        assert part.labels.columns.tolist() == whole.labels.columns.tolist()
    with pytest.raises(DataError, match="at least one row"):
        read_catalogue(sharded.catalogue, range(COUNT, COUNT + 3))


def test_memory_of_a_shard_does_not_grow_with_the_catalogue(tmp_path):
    peaks = []
    for count in (1_000, 200_000):
        path = tmp_path / f"{count}.csv"
        rows = (f"{number},all,{number},0.25\n" for number in range(count))
        path.write_text("object_id,subset,order,score\n" + "".join(rows))
        tracemalloc.start()
        assert len(read_catalogue(path, range(count - 50, count))) == 50
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000

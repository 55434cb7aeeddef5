"""Damaged files of every kind: a reader gives data or a message for the user; never another exception, a crash, an
endless loop or the machine's memory.

Small valid files are cut off, changed, or replaced by random bytes, and read in a process of limited memory. More of
them: `GALAXIES_FUZZ_EXAMPLES=5000 python -m pytest tests/unit/test_fuzz_readers.py --timeout 0`.
"""

import gzip
import io
import json
import logging
import multiprocessing
import os
import resource
import struct
import traceback
import warnings
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from small_cil import write_cil, zip_folder
from small_gz2 import write_gz2
from small_hsc import CATALOGUE, IDS, IMAGES, write_hsc
from small_hst import write_hst

from galaxies.data.catalogue import build_catalogue, read_catalogue, write_catalogue
from galaxies.data.packing import pack_view
from galaxies.data.splits import read_split
from galaxies.data.store import View
from galaxies.data.tables import read_label_table
from galaxies.errors import PipelineError
from galaxies.registry import named_module

EXAMPLES = int(os.environ.get("GALAXIES_FUZZ_EXAMPLES", "25"))
SECONDS = 60  # for one file; all are small
EXTRA_MEMORY = 2**28  # bytes of address space, beyond what the imports take

SETTINGS = {
    "cil_cosmology": {"frame": 16},
    "hsc_cosmos": {"frame": 6},
    "hst_cosmos": {},
    "gz2_kaggle": {
        "frame": 16,
        "images": None,
        "labels": [{"file": "training_solutions_rev1", "kind": "solutions"}],
    },
}
VIEWS = {"cil_cosmology": "full_8", "hsc_cosmos": "full_6", "hst_cosmos": "crop8_8", "gz2_kaggle": "full_8"}


def read_data_set(dataset: str, folder: Path) -> None:
    """All labels and images of a data set, as the scripts read them."""
    options = SETTINGS[dataset]
    files, images, labels = (named_module(f"datasets.{dataset}", part) for part in ("files", "images", "labels"))
    found = files.find(folder, options)
    with images.open_images(found, options) as source:
        projection = images.projection(VIEWS[dataset], options)
        for object_id in source.ids:
            assert np.shape(projection.make(source.load(object_id))) == projection.shape
        table, _ = build_catalogue(source.ids, labels.read_labels(found, options, source), "drop")
    write_catalogue(folder / "found.csv", table)
    assert read_catalogue(folder / "found.csv").ids.tolist() == table.index.tolist()


def read_view(path: Path) -> None:
    with View(path) as view:
        pixels = view.read(np.arange(len(view))[::-1])
        assert pixels.shape == view.shape and pixels.dtype == view.dtype
        view.check_pixels()
        view.rows(view.ids)


def pack(folder: Path, view: Path) -> None:
    options = SETTINGS["cil_cosmology"]
    files, images = (named_module("datasets.cil_cosmology", part) for part in ("files", "images"))
    with images.open_images(files.find(folder / "cil_cosmology", options), options) as source:
        projection = images.projection("full_8", options)
        catalogue, provenance = folder / "catalogue.csv", folder / "provenance.json"
        pack_view(source, projection, catalogue, provenance, view, name="full_8", threads=1)


def write_samples(folder: Path) -> dict[str, Path]:
    """Valid files of all kinds; the one to damage, by the name of its reader."""
    cil = write_cil(folder / "cil_cosmology", labeled=3, scored=4, query=1, frame=16)
    write_hsc(folder / "hsc_cosmos", count=3, frame=6)
    hst = write_hst(folder / "hst_cosmos")
    gz2 = write_gz2(folder / "gz2_kaggle", count=3, frame=16)
    options = SETTINGS["cil_cosmology"]
    files, images, labels = (named_module("datasets.cil_cosmology", part) for part in ("files", "images", "labels"))
    found = files.find(cil.folder, options)
    with images.open_images(found, options) as source:
        table, _ = build_catalogue(source.ids, labels.read_labels(found, options, source), "error")
    write_catalogue(folder / "catalogue.csv", table)
    origin = {"dataset": "cil_cosmology", "source": "local", "simulated": False}
    (folder / "provenance.json").write_text(json.dumps(origin))
    (folder / "split.csv").write_text("object_id,split\n" + "".join(f"{i},train\n" for i in table.index))
    (folder / "classes.csv").write_text("id,kind,size\n1,a,0.5\n2,b,0.25\n3,a,1\n")
    pack(folder, folder / "view.h5")
    archives = folder / "archives"
    archives.mkdir()
    zip_folder(archives / "flat.zip", cil.folder)
    zip_folder(archives / "cosmology_aux_data_170429.zip", cil.folder, "cosmology_aux_data_170429/")
    with zipfile.ZipFile(archives / "nested.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(archives / "cosmology_aux_data_170429.zip", "cosmology_aux_data_170429.zip")
    (folder / "gz2_zipped").mkdir()
    zip_folder(folder / "gz2_zipped" / "images_training_rev1.zip", gz2.images, "images_training_rev1/")
    (folder / "gz2_zipped" / "training_solutions_rev1.csv").write_bytes(gz2.solutions.read_bytes())
    return {
        "CIL labels": cil.folder / "labeled.csv",
        "CIL scores": cil.folder / "scored.csv",
        "CIL image": cil.image("scored", 0),
        "CIL archive": archives / "flat.zip",
        "CIL archive in an archive": archives / "nested.zip",
        "GZ2 solutions": gz2.solutions,
        "GZ2 image": gz2.image(0),
        "GZ2 archive": folder / "gz2_zipped" / "images_training_rev1.zip",
        "HSC ids": folder / "hsc_cosmos" / IDS,
        "HSC images": folder / "hsc_cosmos" / IMAGES,
        "HSC catalogue": folder / "hsc_cosmos" / CATALOGUE,
        "HST catalogue": hst.catalogue,
        "HST measurements": hst.fits,
        "HST stamps": hst.image_file(1),
        "label table": folder / "classes.csv",
        "split": folder / "split.csv",
        "catalogue": folder / "catalogue.csv",
        "provenance": folder / "provenance.json",
        "view": folder / "view.h5",
    }


def read(name: str, path: Path) -> None:
    """What the workflow does with the file `path` of `write_samples`."""
    if name == "split":
        read_split(path)
    elif name == "catalogue":
        read_catalogue(path)
        read_catalogue(path, range(1, 3))
    elif name == "view":
        read_view(path)
    elif name == "provenance":
        pack(path.parent, path.with_name("again.h5"))
    elif name == "label table":
        read_label_table(path, "kind", "class", "id")
        read_label_table(path, "size", "numeric", "id")
    elif name.startswith("CIL archive"):
        read_data_set("cil_cosmology", path) if path.is_dir() else _read_archive(path)
    else:
        dataset = {"CIL": "cil_cosmology", "GZ2": "gz2_kaggle", "HSC": "hsc_cosmos", "HST": "hst_cosmos"}[name[:3]]
        read_data_set(
            dataset, path.parents[1] if path.parent.name in ("scored", "images_training_rev1") else path.parent
        )


def _read_archive(path: Path) -> None:
    options = SETTINGS["cil_cosmology"]
    images, labels = (named_module("datasets.cil_cosmology", part) for part in ("images", "labels"))
    with images.open_images({"root": path}, options) as source:
        labels.read_labels({"root": path}, options, source)
        for object_id in source.ids:
            source.load(object_id)


def serve(connection, samples: dict[str, Path]) -> None:
    """Read the files named through `connection`; answer None, or the text of an exception that is a defect."""
    logging.disable()
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else None
    if pages is not None:
        limit = pages * resource.getpagesize() + EXTRA_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (name := connection.recv()) is not None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read(name, samples[name])
            connection.send(None)
        except PipelineError as error:
            connection.send(
                None if len(str(error)) < 5000 else f"a message of {len(str(error))} characters: {str(error)[:2000]}"
            )
        except BaseException:
            connection.send(traceback.format_exc())


class Reader:
    """A process of limited memory that reads damaged files, and is replaced when one kills it."""

    def __init__(self, folder: Path):
        self.samples = write_samples(folder)
        self.valid = {name: path.read_bytes() for name, path in self.samples.items()}
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self.samples), daemon=True)
        self._process.start()
        theirs.close()

    def __call__(self, name: str, content: bytes) -> None:
        """Fail if reading `content` ends in anything but data or a message."""
        self.samples[name].write_bytes(content)
        try:
            self._connection.send(name)
            if not self._connection.poll(SECONDS):
                self._process.kill()
                raise EOFError
            problem = self._connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._process.join()
            problem = f"{name}: the reader ended with exit code {self._process.exitcode}"
            self._start()
        finally:
            self.samples[name].write_bytes(self.valid[name])
        if problem:
            pytest.fail(problem, pytrace=False)

    def close(self) -> None:
        self._connection.send(None)
        self._process.join()


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    made = Reader(tmp_path_factory.mktemp("samples"))
    yield made
    made.close()


NAMES = [
    *("CIL labels", "CIL scores", "CIL image", "CIL archive", "CIL archive in an archive"),
    *("GZ2 solutions", "GZ2 image", "GZ2 archive", "HSC ids", "HSC images", "HSC catalogue"),
    *("HST catalogue", "HST measurements", "HST stamps"),
    *("label table", "split", "catalogue", "provenance", "view"),
]

POSITIONS = st.one_of(st.integers(0, 300), st.integers(0, 2**20))  # most formats have their headers in front
PIECES = st.one_of(
    st.binary(min_size=1, max_size=8),
    st.integers(0, 255).map(lambda value: bytes([value])),
    st.sampled_from([b"\0", b"\xff" * 4, b"\xff" * 8, b"\x7f" + b"\xff" * 3, b"\n", b"\r", b",", b'"', b"\0" * 16]),
    st.sampled_from(
        [b"nan", b"-1", b"1e400", b"9" * 25, b"inf", b"1.5", b"x", b"", b"99999", b"{", b"[" * 5000, b"NULL"]
    ),
)
CHANGES = st.one_of(
    st.tuples(st.just("cut"), POSITIONS),
    st.tuples(st.just("set"), POSITIONS, PIECES),
    st.tuples(st.just("insert"), POSITIONS, PIECES),
    st.tuples(st.just("flip"), POSITIONS, st.integers(0, 7)),
    st.tuples(st.just("remove"), POSITIONS, st.integers(1, 200)),
    st.tuples(st.just("repeat"), POSITIONS, st.integers(1, 200)),
)


def changed(content: bytes, changes: list[tuple]) -> bytes:
    for kind, position, *what in changes:
        at = position % (len(content) + 1)
        if kind == "cut":
            content = content[:at]
        elif kind == "set":
            content = content[:at] + what[0] + content[at + len(what[0]) :]
        elif kind == "insert":
            content = content[:at] + what[0] + content[at:]
        elif kind == "flip" and at < len(content):
            content = content[:at] + bytes([content[at] ^ 1 << what[0]]) + content[at + 1 :]
        elif kind == "remove":
            content = content[:at] + content[at + what[0] :]
        elif kind == "repeat":
            content = content[: at + what[0]] + content[at:]
    return content


def fuzz(examples: int = EXAMPLES):
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize="GALAXIES_FUZZ_EXAMPLES" not in os.environ,
        database=None,
        suppress_health_check=checks,
        report_multiple_bugs=False,
    )


@pytest.mark.parametrize("name", NAMES)
def test_valid_samples_are_read(reader, name):
    read(name, reader.samples[name])


@pytest.mark.parametrize("name", NAMES)
@fuzz()
@given(changes=st.lists(CHANGES, min_size=1, max_size=6))
def test_changed_files(reader, name, changes):
    reader(name, changed(reader.valid[name], changes))


@pytest.mark.parametrize("name", NAMES)
@fuzz(max(5, EXAMPLES // 10))
@given(content=st.binary(max_size=3000))
@example(content=b"")
def test_random_files(reader, name, content):
    reader(name, content)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", NAMES)
def test_files_of_another_kind(reader, name, other):
    reader(name, reader.valid[other])


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def claiming(content: bytes, name: str, size: int) -> bytes:
    """The archive, its headers saying that the member `name` has `size` bytes."""
    at = content.index(b"PK\x01\x02")
    while content[at + 46 : at + 46 + len(name)] != name.encode():
        at = content.index(b"PK\x01\x02", at + 4)
    return content[: at + 24] + struct.pack("<I", size) + content[at + 28 :]


def view_claiming(valid: bytes, name: str, shape: tuple[int, ...], **options) -> bytes:
    """The view with a data set of that shape in which nothing is stored."""
    content = io.BytesIO(valid)
    with h5py.File(content, "r+") as file:
        kind, attributes = file[name].dtype, dict(file[name].attrs)
        del file[name]
        file.create_dataset(name, shape, kind, **options).attrs.update(attributes)
    return content.getvalue()


def bombs(valid: dict[str, bytes]) -> dict[str, tuple[str, bytes]]:
    zeros = b"\0" * 300_000_000
    table = b"Id,Actual\n" + b"1" * 300_000_000
    image = zlib.compress(zeros, 1)
    chunk = struct.pack(">I4s", len(image), b"IDAT") + image + struct.pack(">I", zlib.crc32(b"IDAT" + image))
    png = valid["CIL image"]
    header = valid["HSC images"]
    flat = valid["CIL archive"]
    return {
        "archive with a member of zeros": ("CIL archive", zipped({"labeled.csv": b"", "labeled/1.png": zeros})),
        "archive with an endless row": ("CIL archive", zipped({"labeled.csv": table, "scored.csv": b""})),
        "archive in an archive": ("CIL archive in an archive", zipped({"cosmology_aux_data_170429.zip": zeros})),
        "endless row": ("CIL labels", table[:50_000_000]),
        "archive whose member claims less": ("CIL archive", claiming(flat, "labeled.csv", 3)),
        "archive whose member claims more": ("CIL archive", claiming(flat, "labeled.csv", 60_000_000)),
        "image with more pixels than it says": ("CIL image", png[:33] + chunk + png[-12:]),
        "image that says more": ("CIL image", png[:16] + struct.pack(">II", 2**31 - 1, 2**31 - 1) + png[24:]),
        "array that says more": ("HSC images", header.replace(b"(3, 3, 6, 6)", b"(3, 3, 6, 9999999999)"[:21])),
        "FITS table in gzip": ("HST catalogue", gzip.compress(valid["HST catalogue"] + zeros, 1)),
        "view without stored ids": ("view", view_claiming(valid["view"], "ids", (2**36,), chunks=(16,))),
        "view without stored labels": ("view", view_claiming(valid["view"], "labels", (2**30, 2))),
        "view without stored pixels": ("view", view_claiming(valid["view"], "pixels", (2**30, 1, 8, 8), chunks=True)),
        "provenance that is nested": ("provenance", b"[" * 10**6),
        "table with many columns": ("GZ2 solutions", b"GalaxyID" + b",Class1.1" * 100_000 + b"\n"),
        "table with unknown columns": (
            "GZ2 solutions",
            b"GalaxyID," + b",".join(b"%d" % i for i in range(10**5)) + b"\n",
        ),
    }


def test_small_files_that_claim_or_unpack_to_much(reader):
    for name, content in bombs(reader.valid).values():
        reader(name, content)

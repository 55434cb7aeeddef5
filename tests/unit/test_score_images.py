"""Scores of a folder of images by a model whose answer is known, and everything that may be wrong with the folder."""

import logging
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote_to_bytes

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import score_images
from galaxies import registry
from galaxies.data.image_folders import name_of_folder
from galaxies.errors import ConfigError, DataError
from galaxies.image_scorers import ImageScorer, load_image_scorer
from galaxies.scripting import run_script

SIDE = 12
SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"


def grey_scorer(offset=0.0, side=SIDE, factor=1 / 16):
    """A model that says the mean grey level times a factor, plus an offset."""
    return ImageScorer(
        "a test",
        side,
        lambda image: np.asarray(image, dtype=np.float64).mean(keepdims=True)[0] * factor,
        lambda levels: levels[:, 0] + offset,
    )


@pytest.fixture(autouse=True)
def model(tmp_path, monkeypatch):
    """A file that stands for a model, which is `grey_scorer`."""
    monkeypatch.setattr(score_images, "load_image_scorer", lambda path, frame, compute: grey_scorer())
    path = tmp_path / "model.pt"
    path.write_bytes(b"model")
    return path


@pytest.fixture
def folder(tmp_path):
    """Six images; the mean grey level of each is sixteen times its number."""
    path = tmp_path / "images"
    path.mkdir()
    for number in range(6):
        save(path / f"{number}.png", level=16 * number)
    return path


def save(path, level=0, side=SIDE, **options):
    """A PNG file of grey level `level` on average, with pixels above and below."""
    pixels = np.full((side, side), level, dtype=np.uint8)
    if level:
        pixels[::2] += 1
        pixels[1::2] -= 1
    Image.fromarray(pixels).save(path, **options)
    return pixels


def run(folder, tmp_path, **options):
    """The table, and the error after it if there was one."""
    output = tmp_path / "scores.csv"
    error = None
    try:
        score_images.main(folder, tmp_path / "model.pt", output, **{"threads": 2, **options})
    except DataError as raised:
        error = raised
    return (pd.read_csv(output, dtype={"Id": str}, keep_default_na=False) if output.exists() else None), error


def test_the_table_has_the_score_of_each_image(folder, tmp_path):
    table, error = run(folder, tmp_path)
    assert error is None
    assert list(table.columns) == ["Id", "Predicted"]
    assert table["Id"].tolist() == [str(number) for number in range(6)]
    assert table["Predicted"].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("offset", "first"), [(-2.5, "0.00000"), (100, "8.00000"), (-0.0, "0.00000"), (1e-7, "0.00000")]
)
def test_scores_are_clipped_to_their_range(folder, tmp_path, monkeypatch, offset, first):
    monkeypatch.setattr(score_images, "load_image_scorer", lambda *_: grey_scorer(offset))
    table, _ = run(folder, tmp_path)
    assert table["Predicted"].tolist() == pytest.approx(np.clip(np.arange(6) + offset, 0, 8).tolist(), abs=5.1e-6)
    assert (tmp_path / "scores.csv").read_text().splitlines()[1] == f"0,{first}"


def test_ids_are_names_without_suffix_sorted_as_text(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    names = ["10.png", "2.PNG", "007.png", "a.b.png", 'x, "y".png', "é.png", "NaN.png", "-1.Png", "with space.png"]
    for number, name in enumerate(names):
        save(folder / name, level=16 * (number % 8))
    table, error = run(folder, tmp_path)
    assert error is None
    assert table["Id"].tolist() == sorted(name[:-4] for name in names)
    expected = {name[:-4]: number % 8 for number, name in enumerate(names)}
    assert dict(zip(table["Id"], table["Predicted"], strict=True)) == expected


def test_blocks_threads_and_neighbours_change_nothing(tmp_path):
    """Random levels whose means are no round numbers; some of the files are bad."""
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(1)
    names = {}
    for number in range(23):
        names[str(number)] = f"{number}.png"
        pixels = rng.integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
        Image.fromarray(pixels if number % 5 else pixels[1:]).save(folder / f"{number}.png")
    scorer = grey_scorer()
    reference, bad = score_images.score(folder, names, scorer, threads=1, block=256)
    assert len(reference) == 18 and len(bad) == 5
    for threads, block in ((1, 1), (3, 2), (2, 7), (4, 23)):
        scores, problems = score_images.score(folder, names, scorer, threads, block)
        assert list(scores.items()) == list(reference.items())
        assert [p.message for p in problems] == [p.message for p in bad]
    some = {name: names[name] for name in ("6", "21", "1")}
    assert score_images.score(folder, some, scorer, 2)[0] == {name: reference[name] for name in some}


def colour(path):
    Image.new("RGB", (SIDE, SIDE)).save(path)


def sixteen_bits(path):
    Image.fromarray(np.zeros((SIDE, SIDE), dtype=np.uint16)).save(path)


def one_bit(path):
    Image.new("1", (SIDE, SIDE)).save(path)


def with_alpha(path):
    Image.new("LA", (SIDE, SIDE)).save(path)


def animated(path):
    frames = [Image.new("L", (SIDE, SIDE), level) for level in (0, 100, 200)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def truncated(path):
    save(path, 80)
    path.write_bytes(path.read_bytes()[:-20])


def damaged(path):
    save(path, 80)
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 8] ^= 0xFF
    path.write_bytes(data)


BAD = {
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "text": (lambda path: path.write_text("no image"), "not a PNG image"),
    "jpeg inside": (lambda path: Image.new("L", (SIDE, SIDE)).save(path, format="JPEG"), "not a PNG image"),
    "truncated": (truncated, "damaged PNG"),
    "damaged": (damaged, "damaged PNG"),
    "too small": (lambda path: save(path, side=SIDE - 1), f"{SIDE - 1}x{SIDE - 1} pixels, expected {SIDE}x{SIDE}"),
    "not square": (lambda path: Image.new("L", (SIDE, 2 * SIDE)).save(path), f"{SIDE}x{2 * SIDE} pixels"),
    "colour": (colour, "RGB, expected L"),
    "16 bits": (sixteen_bits, "I;16, expected L"),
    "1 bit": (one_bit, "colour mode is 1, expected L"),
    "alpha": (with_alpha, "LA, expected L"),
    "animated": (animated, "animated, 3 images"),
    "fifo": (os.mkfifo, "no regular file"),
    "broken link": (lambda path: path.symlink_to("nowhere.png"), "no regular file"),
    "link to itself": (lambda path: path.symlink_to(path.name), "no regular file"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_named_and_the_others_are_scored(folder, tmp_path, caplog, kind):
    write, reason = BAD[kind]
    write(folder / "1b.png")
    with caplog.at_level(logging.WARNING):
        table, error = run(folder, tmp_path)
    assert table["Id"].tolist() == [str(number) for number in range(6)]
    assert table["Predicted"].tolist() == [0, 1, 2, 3, 4, 5]
    assert f"{folder}/1b.png: " in error.message and reason in error.message
    assert "1 of 7 files" in error.message
    assert f"The scores of the other 6 are in {tmp_path / 'scores.csv'}" in error.message
    assert f"{SIDE}x{SIDE}" in error.hint
    assert sum("1b.png" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("name", ["image.jpg", "notes.txt", "png", "image.png.bak"])
def test_files_of_other_suffixes_are_bad(folder, tmp_path, name):
    (folder / "0.png").rename(folder / name)
    table, error = run(folder, tmp_path)
    assert len(table) == 5
    assert f"{name}: its name does not end in .png" in error.message


@pytest.mark.parametrize("name", [b"line\nbreak.png", b"\xff\xfe.png", b"bell\x07.png"])
def test_names_that_no_table_can_hold(folder, tmp_path, name):
    os.rename(os.fsencode(folder / "0.png"), os.fsencode(folder) + b"/" + name)  # noqa: PTH104, a name in bytes
    table, error = run(folder, tmp_path)
    assert len(table) == 5
    assert "characters that cannot be printed" in error.message
    assert str(error).isascii() and "\x07" not in str(error)


def test_two_files_of_one_id(folder, tmp_path):
    """Nobody can say which is meant, so that neither is scored."""
    save(folder / "3.PNG", level=160)
    if len(list(folder.iterdir())) == 6:
        pytest.skip("a file system that takes 3.png and 3.PNG for the same")
    table, error = run(folder, tmp_path)
    assert table["Id"].tolist() == ["0", "1", "2", "4", "5"]
    assert "2 of 7 files" in error.message
    for name in ("3.png", "3.PNG"):
        assert f"{folder}/{name}: '3.PNG' and '3.png' are both '3'" in error.message


def test_a_file_that_vanishes(folder, tmp_path, monkeypatch):
    def vanish(image):
        (folder / "5.png").unlink(missing_ok=True)
        return np.zeros(1)

    monkeypatch.setattr(score_images, "load_image_scorer", lambda *_: ImageScorer("", SIDE, vanish, lambda s: s[:, 0]))
    table, error = run(folder, tmp_path, threads=1)
    assert len(table) == 5
    assert f"{folder}/5.png: cannot be read (No such file or directory)" in error.message


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read(folder, tmp_path):
    (folder / "5.png").chmod(0)
    table, error = run(folder, tmp_path)
    assert len(table) == 5
    assert "5.png: cannot be read (Permission denied)" in error.message


def test_of_many_bad_files_some_are_shown_and_all_logged(folder, tmp_path, caplog):
    for number in range(40):
        (folder / f"bad{number:02}.png").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        table, error = run(folder, tmp_path)
    assert len(table) == 6
    assert "40 of 46 files" in error.message
    assert error.message.count("/bad") == score_images.SHOWN
    assert f"and {40 - score_images.SHOWN} more" in error.message
    logged = " ".join(record.getMessage() for record in caplog.records)
    assert all(f"bad{number:02}.png" in logged for number in range(40))


def test_if_all_are_bad_nothing_is_written(folder, tmp_path):
    for path in folder.iterdir():
        path.write_bytes(b"")
    table, error = run(folder, tmp_path)
    assert table is None
    assert "6 of 6 files" in error.message and "Nothing was written" in error.message
    (tmp_path / "scores.csv").write_text("Id,Predicted\n7,1\n")
    table, error = run(folder, tmp_path)
    assert table["Id"].tolist() == ["7"]
    assert "scores.csv is an earlier one" in error.message


def test_litter_is_passed_over_in_silence(folder, tmp_path, caplog):
    for name in (".DS_Store", "Thumbs.db", "._1.png", "desktop.ini"):
        (folder / name).write_bytes(b"x")
    (folder / "__MACOSX").mkdir()
    with caplog.at_level(logging.WARNING):
        table, error = run(folder, tmp_path)
    assert error is None and len(table) == 6
    assert not caplog.records


def test_sub_folders_are_not_searched_and_that_is_said(folder, tmp_path, caplog):
    (folder / "more").mkdir()
    save(folder / "more" / "9.png")
    with caplog.at_level(logging.WARNING):
        table, error = run(folder, tmp_path)
    assert error is None and len(table) == 6
    assert "sub-folders are not searched (1 of them)" in caplog.text


def test_a_folder_with_the_name_of_an_image_is_a_bad_image(folder, tmp_path):
    (folder / "9.png").mkdir()
    table, error = run(folder, tmp_path)
    assert len(table) == 6
    assert "9.png: a folder, expected an image" in error.message


def test_a_linked_image_is_an_image(folder, tmp_path):
    (folder / "9.png").symlink_to(folder / "4.png")
    table, error = run(folder, tmp_path)
    assert error is None
    assert table.set_index("Id")["Predicted"]["9"] == 4


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no such folder"),
        (lambda path: path.write_bytes(b"PK"), "a file, expected a folder"),
        (lambda path: path.mkdir(), "no images in it"),
        (lambda path: (path / "scored").mkdir(parents=True), "sub-folders are not searched"),
    ],
)
def test_folders_without_images(tmp_path, make, words):
    make(tmp_path / "images")
    table, error = run(tmp_path / "images", tmp_path)
    assert table is None
    assert words in error.message
    assert ".png" in error.hint


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("images", "a folder or a device"),
        ("missing/scores.csv", "there is no folder"),
        ("model.pt/scores.csv", "there is no folder"),
        ("images/scores.csv", "inside the folder of images"),
        ("images/../images/sub/scores.csv", "inside the folder of images"),
        ("linked/scores.csv", "inside the folder of images"),
        ("model.pt", "this is the model"),
        ("circle/scores.csv", "there is no folder"),
        (f"{'n' * 256}.csv", "has more than 255 bytes"),
    ],
)
def test_places_for_the_scores(folder, tmp_path, model, output, words):
    (folder / "sub").mkdir()
    (tmp_path / "linked").symlink_to(folder)
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=words):
        score_images.main(folder, model, tmp_path / output, threads=1)
    assert sorted(tmp_path.rglob("*")) == before
    assert model.read_bytes() == b"model"


def test_the_longest_name_is_one_for_the_scores(folder, tmp_path, model):
    score_images.main(folder, model, tmp_path / f"{'n' * 251}.csv", threads=1)
    assert [path.name for path in tmp_path.glob("n*")] == [f"{'n' * 251}.csv"]


def test_a_device_is_no_place_for_the_scores(folder, model):
    with pytest.raises(DataError, match="device"):
        score_images.main(folder, model, Path(os.devnull), threads=1)


def test_a_failure_leaves_the_earlier_scores(folder, tmp_path, monkeypatch):
    run(folder, tmp_path)
    before = (tmp_path / "scores.csv").read_bytes()

    def fail(image):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(score_images, "load_image_scorer", lambda *_: ImageScorer("", SIDE, fail, lambda s: s[:, 0]))
    with pytest.raises(RuntimeError):
        run(folder, tmp_path)
    assert (tmp_path / "scores.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "model.pt", "scores.csv"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_that_says_no_number(folder, tmp_path, monkeypatch, value):
    def scores(levels):
        return np.where(levels[:, 0] == 3, value, 1.0)

    monkeypatch.setattr(
        score_images, "load_image_scorer", lambda *_: ImageScorer("", SIDE, grey_scorer().describe, scores)
    )
    table, error = run(folder, tmp_path)
    assert table is None
    assert f"{folder}/3.png: the model gives it the score {value}" in error.message
    assert "train the model" in error.hint


def test_memory_does_not_grow_with_the_number_of_images(tmp_path, monkeypatch):
    folder, side = tmp_path / "images", 400
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (side, side)).astype(np.uint8)  # noise, which no PNG compresses
    Image.fromarray(pixels).save(folder / "0.png")
    for number in range(1, 80):
        (folder / f"{number}.png").write_bytes((folder / "0.png").read_bytes())
    scorer = grey_scorer(side=side, factor=1 / 256)
    names = {path.stem: path.name for path in folder.iterdir()}
    score_images.score(folder, {"0": "0.png"}, scorer, 2)
    tracemalloc.start()
    scores, _ = score_images.score(folder, names, scorer, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(scores) == 80
    assert peak < 16 * 80 * side**2 / 10  # a tenth of the 16 bytes per pixel, about, that decoding an image takes


def test_progress_is_told(folder, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(score_images, "PROGRESS_SECONDS", 0)
    monkeypatch.setattr(score_images, "BLOCK", 4)
    names = {str(number): f"{number}.png" for number in range(6)}
    with caplog.at_level(logging.INFO):
        score_images.score(folder, names, grey_scorer(), 1, block=4)
    assert "Scored 4 of 6 images" in caplog.text and "Scored 6 of 6 images" in caplog.text


@pytest.mark.parametrize("threads", [0, -1])
def test_threads(folder, tmp_path, model, threads):
    with pytest.raises(ConfigError, match="threads"):
        score_images.main(folder, model, tmp_path / "scores.csv", threads=threads)


@pytest.mark.parametrize("frame", [0, -5])
def test_frames(folder, tmp_path, frame):
    with pytest.raises(ConfigError, match=f"frame is {frame}"):
        score_images.main(folder, tmp_path / "no_model.pt", tmp_path / "no_folder/scores.csv", frame=frame)


def test_each_folder_has_a_name_of_its_own():
    """The name must be one of a file, and lead back to the folder by the standard's decoding."""
    folders = ["FOLDER", "a/b", "a_b", "a%2Fb", "../a", "/a", "a{b}", "é", "b\n", os.fsdecode(b"\xff"), "a.b-c_1"]
    names = [name_of_folder(folder) for folder in folders]
    assert [os.fsdecode(unquote_to_bytes(name)) for name in names] == folders
    assert not [name for name in names if set(name) & set("/{} \n")]
    assert names[0] == "FOLDER" and names[1] == "a%2Fb" and names[-1] == "a.b-c_1"
    assert name_of_folder("./a//b/") == name_of_folder("a/b")


def test_as_a_job_of_snakemake(folder, tmp_path, model):
    """The good ones are written, the job fails, and its log names all bad ones."""
    for number in range(15):
        (folder / f"bad{number}.png").write_bytes(b"")
    job = SimpleNamespace(
        input={"model": str(model)},
        output={},
        params={"images": str(folder), "output": str(tmp_path / "scores.csv"), "compute": {}, "frame": 1000},
        threads=2,
        log=[str(tmp_path / "job.log")],
    )
    with pytest.raises(SystemExit) as end:
        run_script(score_images.main, job)
    assert end.value.code == 1
    assert len(pd.read_csv(tmp_path / "scores.csv")) == 6
    log = (tmp_path / "job.log").read_text()
    assert all(f"bad{number}.png" in log for number in range(15))
    assert "15 of 21 files" in log


def test_from_the_shell(folder, tmp_path):
    def shell(*arguments):
        command = [sys.executable, str(SCRIPTS / "score_images.py"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    shown = shell("--help")
    assert shown.returncode == 0
    assert all(option in shown.stdout for option in ("--images", "--model", "--output", "--compute", "sub-folders"))
    options = ["--model", tmp_path / "none.pt", "--output", tmp_path / "scores.csv"]
    result = shell("--images", tmp_path / "nowhere", *options)
    assert result.returncode == 1 and "no such folder" in result.stderr and "Traceback" not in result.stderr
    result = shell("--images", folder, *options)
    assert result.returncode == 1 and "no such model file" in result.stderr
    assert not (tmp_path / "scores.csv").exists()


class TestModels:
    """What stands behind the file of a model."""

    @pytest.fixture
    def network(self, tmp_path, monkeypatch, one_thread):
        """File of a network whose score is the sum of the pixels; `seen` gets the images that it is given."""
        torch = pytest.importorskip("torch")
        from galaxies import image_scorers

        seen = []

        def score(images):
            seen.append(images)
            return images.sum(dim=(1, 2)).float()

        def load_scorer(path, compute):
            return SimpleNamespace(view=view, frame=frame, score=score)

        view, frame = f"full_{SIDE // 3}", SIDE
        module = SimpleNamespace(load_scorer=load_scorer)
        given = image_scorers.named_module
        monkeypatch.setattr(
            image_scorers, "named_module", lambda p, name: module if name == "two_in_one" else given(p, name)
        )
        monkeypatch.setattr(
            image_scorers, "has_module", lambda p, name: name == "two_in_one" or registry.has_module(p, name)
        )

        def write(method="two_in_one", **changes):
            content = dict.fromkeys(("networks", "columns", "size", "channels", "seed"), 0)
            content |= {"settings": {"method": method}, "source": "a survey", "simulated": True}
            path = tmp_path / "network.pt"
            torch.save(content | changes, path)
            return path

        return write, seen

    def test_settings_of_computing_are_keys(self, network):
        write, _ = network
        with pytest.raises(ConfigError, match="expected keys"):
            load_image_scorer(write(), 1000, ["cpu"])

    def test_a_model_that_lacks_something_is_no_traceback(self, network, monkeypatch):
        write, _ = network

        def lacks(path, compute):
            raise KeyError("score_discriminator")

        from galaxies import image_scorers

        module = SimpleNamespace(load_scorer=lacks)
        monkeypatch.setattr(image_scorers, "named_module", lambda p, name: module)
        with pytest.raises(DataError, match=r"or damaged \(no 'score_discriminator'\)") as caught:
            load_image_scorer(write(), 1000, {})
        assert "delete it" in caught.value.hint

    def test_a_network_gets_one_image_at_a_time(self, network):
        write, seen = network
        scorer = load_image_scorer(write(), 1000, {})
        assert scorer.size == SIDE
        assert "two_in_one" in scorer.origin and "simulated images" in scorer.origin
        pixels = np.random.default_rng(3).integers(0, 256, (4, SIDE, SIDE)).astype(np.uint8)
        described = [scorer.describe(Image.fromarray(image)) for image in pixels]
        averages = pixels.reshape(4, SIDE // 3, 3, SIDE // 3, 3).mean(axis=(2, 4))
        for image, expected in zip(seen, averages, strict=True):
            np.testing.assert_allclose(image, expected[None], rtol=1e-6)
        np.testing.assert_allclose(scorer.score(np.stack(described)), averages.sum(axis=(1, 2)), rtol=1e-6)

    def test_settings_of_the_machine(self, network):
        write, _ = network
        settings = {
            "device": "cpu",
            "precision": "float32",
            "checkpoint_seconds": 60,
            "log_seconds": 5,
            "compile": True,
        }
        assert load_image_scorer(write(), 1000, settings).size == SIDE
        with pytest.raises(ConfigError, match="devise"):
            load_image_scorer(write(), 1000, {"devise": "cpu"})

    @pytest.mark.parametrize("method", ["multiclass_classification", "unheard_of"])
    def test_a_model_that_scores_nothing(self, network, method):
        write, _ = network
        with pytest.raises(DataError, match=f"{method}.*scores no images") as error:
            load_image_scorer(write(method), 1000, {})
        assert "two_in_one" in error.value.hint

    def test_a_damaged_model(self, network):
        write, _ = network
        path = write()
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(DataError, match="not a model of this workflow, or damaged"):
            load_image_scorer(path, 1000, {})

    @pytest.mark.parametrize("name", ["none.pt", "none.skops", "none"])
    def test_a_missing_model(self, tmp_path, name):
        with pytest.raises(DataError, match="no such model file"):
            load_image_scorer(tmp_path / name, 1000, {})

    def test_another_kind_of_file(self, tmp_path):
        (tmp_path / "model.h5").write_bytes(b"x")
        with pytest.raises(DataError, match=r"ends in \.pt or \.skops") as error:
            load_image_scorer(tmp_path / "model.h5", 1000, {})
        assert "two_in_one" in error.value.hint

    @pytest.mark.parametrize("bins", [10, 7])
    def test_a_baseline_gets_histograms_of_images_of_the_given_side(self, tmp_path, monkeypatch, bins):
        weights = np.arange(bins) / 100
        fitted = SimpleNamespace(estimator=SimpleNamespace(n_features_in_=bins))
        module = SimpleNamespace(load=lambda path: fitted, predict=lambda given, counts: counts @ weights)
        monkeypatch.setitem(sys.modules, "galaxies.baselines", module)
        (tmp_path / "model.skops").write_bytes(b"x")
        scorer = load_image_scorer(tmp_path / "model.skops", SIDE, {})
        assert scorer.size == SIDE
        pixels = np.random.default_rng(4).integers(3, 200, (5, SIDE, SIDE)).astype(np.uint8)
        described = np.stack([scorer.describe(Image.fromarray(image)) for image in pixels])
        expected = [np.histogram(image, bins=bins)[0] for image in pixels]
        np.testing.assert_array_equal(described, expected)
        np.testing.assert_allclose(scorer.score(described), np.stack(expected) @ weights)

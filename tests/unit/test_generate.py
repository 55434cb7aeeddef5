"""Files of generated images, from a GAN that was trained for two steps."""

from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch
from small_views import write_galaxies, write_split, write_view

import generate
import train
from galaxies.errors import ConfigError, DataError
from galaxies.generated_images import Generated, nearest_labels

SIZE, CONDITIONS = 12, ["target1", "target0"]  # not in the order of the view
EXAMPLES = [{"target0": 0.2, "target1": 0.9}, {"target1": 0.1, "target0": 0.2}]
COMPUTE = {"device": "cpu"}
OPTIMISER = {"name": "adam", "learning_rate": 1e-3, "betas": [0.5, 0.999]}
GAN = {
    "method": "conditional_gan",
    "train_on": ["validation", "train"],
    "validate_on": "validation",
    "train_images": None,
    "conditions": CONDITIONS,
    "networks": {
        "generator": {"architecture": "resize_generator", "latent_dim": 4, "dense": 16, "filters": [8, 4]},
        "discriminator": {"architecture": "predictor_discriminator", "filters": [2, 4], "predictor": 8, "kernels": 2},
    },
    "optimisers": {"generator": OPTIMISER, "discriminator": OPTIMISER},
    "adversarial_weight": 50,
    "hinge_sign": "code",
    "batch_size": 8,
    "steps": 20,  # enough for the running batch statistics
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder with view.h5, split.csv and model.pt."""
    folder = tmp_path_factory.mktemp("trained")
    write_view(folder / "view.h5", count=24, size=SIZE, columns=3)
    write_split(folder / "split.csv", train=12, validation=8, test=0)
    fit(folder, GAN, seed=3)
    return folder


def fit(folder, experiment, seed, name="model.pt"):
    train.main(
        folder / "view.h5",
        folder / "split.csv",
        folder / name,
        folder / "history.csv",
        folder / "cost.json",
        folder / "checkpoints",
        experiment=experiment,
        seed=seed,
        compute=COMPUTE,
        code="0",
        name="test",
        threads=1,
    )


def run(folder, target, model="model.pt", conditions=EXAMPLES):
    files = (folder / "view.h5", folder / "split.csv", folder / model, target)
    generate.main(*files, example_conditions=conditions, compute=COMPUTE, threads=1)
    return target


def test_one_image_per_image_of_the_split_with_its_labels(trained, tmp_path):
    path = run(trained, tmp_path / "generated.h5")
    with h5py.File(trained / "view.h5") as view:
        labels = view["labels"][:20]
    with Generated(path) as made:
        assert made.ids.tolist() == list(range(100, 120))
        assert made.split.tolist() == ["train"] * 12 + ["validation"] * 8
        assert made.columns == CONDITIONS and made.seed == 3
        assert made.saw_validation and made.trained_on == ["validation", "train"] and made.simulated
        np.testing.assert_array_equal(made.labels, labels[:, [1, 0]])  # physical, not standardised
        assert made.pixels.shape == (20, 3, SIZE, SIZE) and made.pixels.dtype == np.float32
        assert made.predicted_real.shape == made.predicted_generated.shape == (20, 2)
        assert np.isfinite(made.predicted_real).all() and np.isfinite(made.predicted_generated).all()
        assert np.abs(made.predicted_real - labels[:, [1, 0]].mean(axis=0)).max() < 5  # physical units, of order 1
        np.testing.assert_array_equal(np.concatenate(list(made.blocks())), made.pixels[:])
        rows = np.array([7, 0, 7, 19])
        np.testing.assert_array_equal(made.read(rows), made.pixels[:][rows])


def test_examples_share_their_noise_and_differ_by_their_conditions(trained, tmp_path):
    one = run(trained, tmp_path / "one.h5")
    same = run(trained, tmp_path / "same.h5", conditions=[EXAMPLES[0], EXAMPLES[0]])
    with Generated(one) as made, Generated(same) as repeated:
        np.testing.assert_allclose(made.example_conditions, [[0.9, 0.2], [0.1, 0.2]])
        assert made.examples.shape == (2, 16, 3, SIZE, SIZE)
        np.testing.assert_array_equal(repeated.examples[0], repeated.examples[1])
        np.testing.assert_array_equal(repeated.examples[0], made.examples[0])
        assert not np.array_equal(made.examples[0], made.examples[1])
        assert len(np.unique(made.examples[0].reshape(16, -1), axis=0)) == 16


def test_the_file_is_reproducible_and_the_seed_of_the_training_decides(trained, tmp_path):
    fit(trained, GAN, seed=4, name="other.pt")
    one, again = run(trained, tmp_path / "one.h5"), run(trained, tmp_path / "again.h5")
    other = run(trained, tmp_path / "other.h5", model="other.pt")
    assert one.read_bytes() == again.read_bytes()
    with Generated(one) as made, Generated(other) as different:
        assert not np.array_equal(made.pixels[:], different.pixels[:])


def test_the_batches_do_not_matter(trained, tmp_path, monkeypatch):
    whole = run(trained, tmp_path / "whole.h5")
    monkeypatch.setattr(generate, "BATCH", 16)  # no smaller: the examples are one batch
    with Generated(whole) as made, Generated(run(trained, tmp_path / "parts.h5")) as parts:
        np.testing.assert_allclose(made.pixels[:], parts.pixels[:], atol=1e-6)
        np.testing.assert_allclose(made.predicted_generated, parts.predicted_generated, atol=1e-5)


def test_no_example_condition_is_allowed(trained, tmp_path):
    with Generated(run(trained, tmp_path / "generated.h5", conditions=[])) as made:
        assert made.examples.shape == (0, 16, 3, SIZE, SIZE) and made.example_conditions.shape == (0, 2)


@pytest.mark.parametrize("wrong", [{"target0": 1.0}, {"target0": 1.0, "target1": 1.0, "target2": 0.0}, {"mass": 8.0}])
def test_other_conditions_than_the_generators_are_refused(trained, tmp_path, wrong):
    with pytest.raises(ConfigError, match=r"example_conditions\[1\]: has .*; the generator takes target1, target0"):
        run(trained, tmp_path / "generated.h5", conditions=[EXAMPLES[0], wrong])
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_generates_nothing_is_refused(trained, tmp_path):
    content = torch.load(trained / "model.pt", weights_only=True)
    content["settings"]["method"] = "regression"
    torch.save(content, trained / "regression.pt")
    with pytest.raises(DataError, match="'regression', which generates nothing"):
        run(trained, tmp_path / "generated.h5", model="regression.pt")


def test_a_generator_of_other_images_is_refused(trained, tmp_path):
    write_view(tmp_path / "view.h5", count=24, size=16, columns=3)
    for name in ("split.csv", "model.pt"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    with pytest.raises(DataError, match=r"makes images of 12 px with 3 channels; .* has 16 px and 3"):
        run(tmp_path, tmp_path / "generated.h5")


def test_images_that_are_not_finite_are_refused_and_nothing_is_left(trained, tmp_path):
    content = torch.load(trained / "model.pt", weights_only=True)
    name = next(key for key in content["networks"]["generator"] if key.startswith("convolutions") and "bias" in key)
    content["networks"]["generator"][name][:] = float("inf")
    torch.save(content, trained / "broken.pt")
    with pytest.raises(DataError, match=r"broken\.pt: generates values that are not finite"):
        run(trained, tmp_path / "generated.h5", model="broken.pt")
    assert list(tmp_path.iterdir()) == []


# Generators without labels


class Noise:
    """A generator without labels: every pixel of an image is its noise."""

    columns = ()
    bounded = True
    progress, progress_steps = np.zeros((3, 2, 3, SIZE, SIZE), dtype=np.uint8), np.array([1, 2, 4])
    values = staticmethod(lambda noise: noise)

    def generate(self, labels, generator):
        assert labels.shape[1] == 0
        noise = torch.rand(len(labels), generator=generator)
        return self.values(noise)[:, None, None, None].expand(-1, 3, SIZE, SIZE)


@pytest.fixture
def unlabelled(trained, tmp_path, monkeypatch):
    """Function that generates with `Noise` in the place of a method without labels and without validation."""
    content = torch.load(trained / "model.pt", weights_only=True)
    content["settings"] = {"method": "noise", "train_on": ["train"]}
    torch.save(content, tmp_path / "model.pt")
    method = SimpleNamespace(load_generator=lambda *_: Noise())
    monkeypatch.setattr(generate, "named_module", lambda *_: method)

    def run(samples, view=trained / "view.h5"):
        files = (view, trained / "split.csv", tmp_path / "model.pt", tmp_path / "generated.h5")
        generate.main(*files, example_conditions=EXAMPLES, compute=COMPUTE, threads=1, samples=samples)
        return tmp_path / "generated.h5"

    return run


def test_as_many_images_as_asked_without_labels(unlabelled, monkeypatch):
    monkeypatch.setattr(generate, "BATCH", 7)
    path = unlabelled(30)
    stream = np.random.SeedSequence([3, 1]).generate_state(1, np.uint64)[0]  # 3 is the seed of the training
    noise = torch.Generator().manual_seed(int(stream))
    expected = torch.cat([torch.rand(len(part), generator=noise) for part in torch.empty(30).split(7)]).numpy()
    with h5py.File(path) as file:
        assert file["generated"].dtype == np.uint8 and file["generated"].shape == (30, 3, SIZE, SIZE)
        np.testing.assert_array_equal(file["generated"][:, 0, 0, 0], np.round(255 * expected))
    with Generated(path) as made:
        assert made.columns == [] and made.labels.shape == (30, 0) and (made.ids == -1).all()
        assert made.trained_on == ["train"] and not made.saw_validation and made.seed == 3
        assert made.progress.shape == (3, 2, 3, SIZE, SIZE) and made.progress.dtype == np.float32
        assert made.progress_steps.tolist() == [1, 2, 4] and made.examples.shape == (0, 16, 3, SIZE, SIZE)
        images = np.concatenate(list(made.blocks()))
        assert images.dtype == np.float32 and images.max() <= 1  # as networks see them
        np.testing.assert_allclose(images[:, 0, 0, 0], expected, atol=0.5 / 255 + 1e-6)
        np.testing.assert_array_equal(made.read(np.array([4, 1])), images[[4, 1]])


def test_unbounded_images_and_those_of_other_views_stay_as_they_are(unlabelled, tmp_path, monkeypatch):
    write_galaxies(tmp_path / "float.h5", count=24, size=SIZE)
    with h5py.File(unlabelled(5, tmp_path / "float.h5")) as file:
        assert file["generated"].dtype == np.float32
    monkeypatch.setattr(Noise, "bounded", False)
    monkeypatch.setattr(Noise, "values", staticmethod(lambda noise: 10 * noise))
    with h5py.File(unlabelled(5)) as file:
        assert file["generated"].dtype == np.float32 and file["generated"][:].max() > 1


def test_bounded_images_must_be(unlabelled, monkeypatch):
    monkeypatch.setattr(Noise, "values", staticmethod(lambda noise: noise - 0.5))
    with pytest.raises(DataError, match=r"model\.pt: generates values outside of \[0, 1\]"):
        unlabelled(5)
    with pytest.raises(ConfigError, match="samples: not given"):
        unlabelled(None)


def test_nearest_labels_weigh_each_label_by_its_deviation():
    labels = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1000.0], [1.0, 1000.0]])
    assert nearest_labels(labels, np.array([0.9, 400.0]), 2).tolist() == [1, 3]
    with pytest.raises(DataError, match="4 images in the split, a figure shows 5"):
        nearest_labels(labels, np.array([0.0, 0.0]), 5)

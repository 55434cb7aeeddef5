"""Predictions of an augmentation experiment with known truth, written here by the documented layout.

Images have a log-odds of which each training sees a share: it learns over the epochs and then fits noise of its own.
"""

from pathlib import Path

import h5py
import numpy as np

RATE = 0.28  # share of class 1, as of the dwarfs among the HSC x COSMOS galaxies

# What an arm learns: separation of the classes, and how fast its own noise grows.
ARMS = {
    "real": (0.9, 1.0),
    "real_flips": (0.95, 0.8),
    "real_geometric": (1.1, 0.4),
    "gan_only": (0.45, 1.3),
    "real_gan_half": (0.92, 0.9),
    "real_gan_equal": (0.95, 0.8),
    "real_gan_double": (0.9, 1.0),
    "gan_pretraining": (1.0, 0.7),
    "gan_only_published": (0.5, 1.4),
    "real_gan_published": (1.0, 0.9),
}
LABELS = {
    "real": "real",
    "real_flips": "real, flips and shifts (paper)",
    "real_geometric": "real, rotations and flips",
    "gan_only": "GAN only",
    "real_gan_half": "real + 0.5 generated per real",
    "real_gan_equal": "real + 1 generated per real",
    "real_gan_double": "real + 2 generated per real",
    "gan_pretraining": "GAN, then real",
    "gan_only_published": "GAN only (paper)",
    "real_gan_published": "real + GAN of the paper",
}
GENERATOR = ["train", "validation"]  # sets that a generator is trained on: the first alone, or both as published
REPORTED_AS = {
    "real_flips": {
        "classifier_real_run1": "bands g, i, z; another split",
        "classifier_real_run2": "plots from bands g, i, z; another split",
        "classifier_real_run3": "",
    },
    "gan_only_published": {"classifier_gan_only_early_gan": "an earlier GAN, 170 epochs, labels not standardised"},
}
TRAIN = 1546  # real training images


def study(names: list[str] | None = None) -> dict:
    """What the workflow tells the scripts of the experiment."""
    names = list(ARMS) if names is None else names
    arms = [
        {
            "arm": name,
            "label": LABELS[name],
            "generator": None if "gan" not in name else "cgan" if "published" in name else "cgan_train_only",
            "leaked": "published" in name,
            "real_images": not name.startswith("gan_only"),
            "generated_per_real": {"half": 0.5, "equal": 1.0, "double": 2.0}.get(name.rpartition("_")[2]),
            "generator_trained_on": [] if "gan" not in name else GENERATOR[: 2 if "published" in name else 1],
            "reported_as": REPORTED_AS.get(name, {}),
        }
        for name in names
    ]
    against = "real_flips" if "real_flips" in names else names[0]
    question = {"arm": names[-1], "against": against, "text": "Can generated images replace real ones?"}
    if "gan_only_published" in names:
        question["arm"] = "gan_only_published"
    return {"target": "dwarf", "baseline": names[0], "question": question, "arms": arms}


def write_predictions(
    path: Path,
    names: list[str] | None = None,
    sizes: tuple[int, ...] = (96, 384),
    seeds: int = 6,
    epochs: int = 60,
    images: int = 320,
    simulated: bool = True,
) -> Path:
    """Write the file. Arms with `published` in their name have the full size alone."""
    draw = np.random.default_rng(5)
    target = (np.arange(images) < round(RATE * images)).astype(np.uint8)
    draw.shuffle(target)
    feature = draw.normal(size=images) + target  # of unit separation
    rows, curves, losses = [], [], []
    for name in ARMS if names is None else names:
        for size in [*([] if "published" in name else sizes), "all"]:
            for seed in range(seeds):
                real = TRAIN if size == "all" else size
                share = np.log(real) / np.log(TRAIN)
                logit, loss = train(target, feature, *ARMS[name], share, epochs, np.random.default_rng(draw))
                of_classifier = 0 if name.startswith("gan_only") else real
                of_generator = 0 if "gan" not in name else real + images * ("published" in name)
                rows.append((name, size, seed, RATE + 0.01 * draw.normal(), of_classifier, of_generator))
                curves.append(logit)
                losses.append(loss)
    arm, size, seed, rate, of_classifier, of_generator = zip(*rows, strict=True)
    with h5py.File(path, "w") as file:
        file["logit"] = np.stack(curves).astype(np.float32)
        file["train_loss"] = np.stack(losses)
        file.create_dataset("arm", data=arm, dtype=h5py.string_dtype())
        file.create_dataset("size", data=list(map(str, size)), dtype=h5py.string_dtype())
        file["seed"], file["positive_rate"] = np.array(seed), np.array(rate)
        file["classifier_images"], file["generator_images"] = np.array(of_classifier), np.array(of_generator)
        file["ids"], file["target"] = np.arange(images), target
        source = "simulated" if simulated else "download"
        file.attrs.update({"source": source, "simulated": simulated, "target": "dwarf", "view_sha256": "0" * 64})
    return path


def train(target, feature, separation, noise, share, epochs, draw) -> tuple[np.ndarray, np.ndarray]:
    """Logits (E, N) and training losses (E,) of one invented training."""
    time = np.linspace(0, 1, epochs)[:, None] if epochs > 1 else np.ones((1, 1))
    separation *= share * (1 + 0.1 * draw.normal())
    evidence = separation * (feature - 0.5) + 0.25 * draw.normal(size=feature.shape)
    learned = 1 - np.exp(-8 * time)
    overfit = noise / share * 1.3 * time**1.5 * draw.normal(size=feature.shape)
    jitter = 0.08 * draw.normal(size=(epochs, 1)) * (1 - 0.5 * time)
    logit = np.log(RATE / (1 - RATE)) + learned * evidence + overfit + jitter
    loss = 0.592 - 0.07 * learned[:, 0] - 0.25 * noise * time[:, 0] / share + 0.005 * draw.normal(size=epochs)
    return logit, np.maximum(loss, 0.02)

"""Small catalogue, split and histograms of scored images, written by the documented layouts."""

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

SCORED, QUERY = 10**7, 2 * 10**7  # object ids of published id 0: position of the subset times 10^7
PIXELS = 10_000


def write_scores(
    folder: Path, train: int = 60, validation: int = 12, test: int = 10, query: int = 8, simulated: bool = True
) -> pd.DataFrame:
    """Write catalogue.csv, split.csv and view.h5 to `folder`, with six labelled images beside the scored ones.

    Histograms of five bins decide the score up to noise. Returns object_id, subset, set, score (NaN where unknown),
    hidden_score and the features b0 to b4 of all images.
    """
    rng = np.random.default_rng(5)
    names = ["labeled_train"] * 6 + ["scored_train"] * train + ["scored_validation"] * validation
    names += ["scored_test"] * test + ["query"] * query
    subset = np.array([name.split("_")[0] for name in names])
    start = pd.Series(subset).map({"labeled": 0, "scored": SCORED, "query": QUERY}).to_numpy()
    shares = rng.dirichlet(np.ones(5), len(names))
    features = np.floor(PIXELS * shares)
    features[:, 0] += PIXELS - features.sum(axis=1)  # an image has as many pixels as any other
    scores = (6 * shares[:, 1] + 2 * shares[:, 3] + 0.1 * rng.standard_normal(len(names))).clip(0, 6.25)
    table = pd.DataFrame(
        {
            "object_id": start + 1_002_900 + np.arange(len(names)),
            "subset": subset,
            "order": pd.Series(subset).groupby(subset).cumcount(),
            "score": np.where(subset == "scored", scores, np.nan),
            "galaxy": np.where(subset == "labeled", 1.0, np.nan),
        }
    )
    if simulated:
        table["hidden_score"] = np.where(subset == "query", scores, np.nan)
    table.to_csv(folder / "catalogue.csv", index=False, na_rep="nan")
    table["set"] = names
    in_split = table[subset != "query"]
    in_split[["object_id", "set"]].rename(columns={"set": "split"}).to_csv(folder / "split.csv", index=False)
    write_features(folder / "view.h5", table["object_id"].to_numpy(), features, simulated)
    return table.assign(**{f"b{number}": features[:, number] for number in range(5)}, truth=scores)


def write_features(
    path: Path, ids: np.ndarray, features: np.ndarray, simulated: bool = True, view: str = "histogram_5"
) -> None:
    """Write a view of features (N, K), or of images (N, C, S, S)."""
    features = features.astype(np.float32)
    with h5py.File(path, "w") as file:
        file.create_dataset("pixels", data=features, chunks=(min(len(ids), 16), *features.shape[1:]))
        file["ids"], file["labels"] = ids, np.zeros((len(ids), 1), dtype=np.float32)
        file["labels"].attrs["columns"] = ["score"]
        file.attrs.update({"dataset": "cil_cosmology", "view": view, "source": "simulated"})
        file.attrs.update(
            {"simulated": simulated, "crop": 0, "channels": [f"bin{n}" for n in range(features.shape[1])]}
        )
        file.attrs.update({"dtype": "float32", "block": 16, "size": features.shape[-1], "units": "pixels"})
        file.attrs.update({"format": "galaxies-view", "format_version": 2, "versions": "{}"})
        file.attrs.update({"catalogue_sha256": "0" * 64, "pixels_sha256": hashlib.sha256(features).hexdigest()})

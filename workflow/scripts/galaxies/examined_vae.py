"""The file of what a trained autoencoder makes of images it was trained on, and of images it was not."""

from pathlib import Path

import h5py
import numpy as np

from galaxies.files import reading

SETS = ("training", "held_out")
TERMS = ("log_likelihood", "divergence")
SHOWN = 8  # held-out images and their reconstructions
TRAVERSED = 6  # dimensions of the codes, those with the largest divergence
STEPS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # values that a dimension takes, in deviations of the prior


class Examined:
    """A file of examine_vae.py.

    bounds : {training, held_out} -> {log_likelihood, divergence} -> float32 (N,), the terms of the evidence lower bound
    in nats per image, each at one draw of the code; of training images those that have the labels of held-out ones, so
    that the two differ in nothing else; there may be none.
    activity : float32 (latent_dim,), mean divergence of each dimension for held-out images.
    shown, reconstructed : float32 (M, C, S, S), held-out images and what the means of their codes decode to, in levels
    0..255. traversals : float32 (D, T, C, S, S), decoded from codes that are 0 but for one of `dimensions` (D,), which
    takes `steps` (T,). stretch : what pixels were divided by. training_steps : how many there were.

    Raises DataError if the file is damaged or none of examine_vae.py.
    """

    def __init__(self, path: Path):
        with reading(path), h5py.File(path, "r") as file:
            self.bounds = {name: {term: file[name][term][:] for term in TERMS} for name in SETS}
            self.activity, self.dimensions, self.steps = file["activity"][:], file["dimensions"][:], file["steps"][:]
            self.shown, self.reconstructed = file["shown"][:], file["reconstructed"][:]
            self.traversals: np.ndarray = file["traversals"][:]
            self.seed, self.simulated = int(file.attrs["seed"]), bool(file.attrs["simulated"])
            self.stretch, self.training_steps = str(file.attrs["stretch"]), int(file.attrs["training_steps"])
            if self.shown.shape != self.reconstructed.shape or len(self.traversals) != len(self.dimensions):
                raise ValueError("its arrays do not belong together")

    def negative_bound(self, name: str) -> np.ndarray:
        """Of each image of a set, (N,), float64."""
        terms = self.bounds[name]
        return terms["divergence"].astype(np.float64) - terms["log_likelihood"]

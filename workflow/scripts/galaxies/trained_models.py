"""The file of a trained model: its networks and all that is needed to build them again."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from galaxies.checkpoints import save_torch
from galaxies.data.device import Images
from galaxies.errors import DataError
from galaxies.files import atomic

KEYS = {"networks", "settings", "columns", "size", "channels", "seed", "source", "simulated"}
TRAIN_AGAIN = "delete it and run the same command again, which trains it"
DAMAGE = (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, LookupError, TypeError, pickle.UnpicklingError)


def write_model(
    path: Path, networks: dict[str, nn.Module], experiment: dict[str, Any], train: Images, **more: Any
) -> None:
    """Write the weights of `networks`, the settings of their training and what its images were, whole or not at all.

    experiment : plain types only, so that the file loads with `torch.load(weights_only=True)`. more : further facts.
    """
    content = {
        "networks": {
            key: {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
            for key, network in networks.items()
        },
        "settings": experiment,
        "columns": train.columns,
        "size": train.size,
        "channels": train.shape[1],
        "source": str(train.attributes["source"]),
        "simulated": bool(train.attributes["simulated"]),
        **more,
    }
    with atomic(path) as temporary:
        save_torch(content, temporary)


def read_model(path: Path, method: str | None = None) -> dict[str, Any]:
    """Content of a model file. Raises DataError if it is damaged, or was trained by another method than `method`."""
    try:
        with zipfile.ZipFile(path) as archive:  # torch does not compare the checksums inside
            if part := archive.testzip():
                raise ValueError(f"checksum of {part} differs")
        content = torch.load(path, map_location="cpu", weights_only=True)
        found = content["settings"]["method"]
        if absent := sorted(KEYS - content.keys()):
            raise ValueError(f"no {absent[0]!r}")
    except DAMAGE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{path}: not a model of this workflow, or damaged ({reason})", TRAIN_AGAIN) from error
    if method not in (None, found):
        raise DataError(f"{path}: a model of method {found!r}; expected one of {method!r}", TRAIN_AGAIN)
    return content


def load_weights(network: nn.Module, weights: dict[str, torch.Tensor], path: Path) -> None:
    """Copy weights from a model file into `network`. Raises DataError if they are those of another architecture."""
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise DataError(f"{path}: not the weights of this architecture ({reason[:200]})", TRAIN_AGAIN) from error

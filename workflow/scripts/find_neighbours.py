"""The training images nearest to generated images, or to other training images, by pixels and by a judge's features."""

from pathlib import Path

import h5py
import numpy as np

from galaxies.data.store import View
from galaxies.errors import ConfigError, DataError
from galaxies.files import atomic, sha256
from galaxies.generated_images import Generated, as_networks_see, as_stored, real_blocks_with_ids
from galaxies.judged_images import Judged
from galaxies.neighbours import nearest
from galaxies.scripting import run_script

QUERIES = 2000
"""Images whose neighbours are sought, at most: the cost grows with their number times that of the training images."""
SEED = 0  # of their choice


def main(
    view: Path,
    real: Path,
    found: Path,
    *,
    neighbours: int,
    generated: Path | None = None,
    judged: Path | None = None,
) -> None:
    """Write the `neighbours` nearest training images of some images, see `galaxies.neighbours.Neighbours`.

    view, real : the packed real images, and the judgement of those that were trained on. generated, judged : images of
    a generator and their judgement; without them, training images are compared with the others of the training.
    Generated images are compared as the view would store them.
    """
    with View(view) as packed, Judged(real) as training:
        if len(training) <= neighbours:
            raise DataError(
                f"{real}: {len(training)} images have no {neighbours} neighbours each",
                "use a larger data set, or set judgement.neighbours lower",
            )
        if generated is None:
            rows = chosen(len(training))
            own_ids, features = training.ids[rows], training.read_features(rows)
            images = as_networks_see(packed.read(packed.rows(own_ids)))
        else:
            rows, images, features = generated_queries(packed, training, generated, judged)
            own_ids = np.full(len(rows), -1)
        blocks = {
            "pixels": (images, real_blocks_with_ids(packed, training.ids)),
            "features": (features, training.blocks()),
        }
        results = {space: nearest(queries, own_ids, others, neighbours) for space, (queries, others) in blocks.items()}
        facts = {"simulated": training.simulated, "training_images": len(training)}
        facts |= {"judge_sha256": training.judge_sha256, "view_sha256": str(packed.attributes["pixels_sha256"])}
    with atomic(found) as temporary, h5py.File(temporary, "w") as file:
        file["rows"], file["own_ids"] = rows, own_ids
        for space, (distances, ids) in results.items():
            file[f"{space}/distances"], file[f"{space}/ids"] = distances, ids
        file.attrs.update(facts)


def generated_queries(
    packed: View, training: Judged, generated: Path, judged: Path | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of some generated images, the images and their features."""
    if judged is None:
        raise ConfigError("judged: not given", "generated images need their judgement, from judge.py")
    with Generated(generated) as made, Judged(judged) as described:
        made.expect_view(packed)
        described.expect_judge(training)
        if described.source_sha256 != sha256(generated):
            raise DataError(f"{judged}: the judgement of other images than {generated}", "run the same command again")
        rows = chosen(len(described))
        return rows, as_stored(made.read(rows), packed.dtype), described.read_features(rows)


def chosen(count: int) -> np.ndarray:
    """Rows, ascending, of the images whose neighbours are sought."""
    return np.sort(np.random.default_rng(SEED).permutation(count)[:QUERIES])


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

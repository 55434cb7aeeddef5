"""Score the images that a generator made and that were kept, with a baseline that never saw any of them."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from galaxies.baselines import load, predict
from galaxies.data.projections import level_histogram
from galaxies.files import write_text
from galaxies.kept_images import Kept
from galaxies.scripting import run_script

logger = logging.getLogger("galaxies.score_kept")


def main(kept: Path, judge: Path, scores: Path) -> None:
    """Write own_score,judge_score, a row per kept image.

    own_score : of the discriminator that its generator was trained against, without bounds. judge_score : within 0..8.
    kept : from draw_images.py. judge : from fit_baseline.py; it takes histograms of grey levels.
    """
    judging = load(judge)
    bins = judging.estimator.n_features_in_
    with Kept(kept) as images:
        features = [level_histogram(Image.fromarray(image), bins) for image in images.all_images()]
        judged = predict(judging, np.reshape(features, (-1, bins)))
        table = pd.DataFrame({"own_score": images.own_score, "judge_score": judged})
    write_text(scores, table.to_csv(index=False))
    logger.info("%s: scores of %d images", scores, len(table))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

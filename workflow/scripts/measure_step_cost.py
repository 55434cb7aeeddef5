"""Time and memory of a training step of one experiment against that of another."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.compute import machine_of
from galaxies.errors import ConfigError
from galaxies.files import write_text
from galaxies.scripting import run_script
from galaxies.stats import median_interval
from galaxies.step_cost import Stepper, peak_memory, step_seconds

logger = logging.getLogger("galaxies.step_cost")

FEWEST_STEPS = 6  # for a 95 % interval of a median


def main(
    output: Path,
    *,
    experiments: dict,
    reference: str,
    model: str,
    size: int,
    channels: int,
    steps: int,
    compute: dict,
    threads: int,
    seed: int,
) -> None:
    """Measure `steps` steps of each experiment on random images, and write a table.

    The steps of the experiments alternate, so that a change of the machine's speed meets them all; ratios are of
    steps next to each other.

    experiments : settings by name, of methods without labels; `reference` and `model` are among them, and may have
    others beside them. size, channels : of the images. compute : as in train.py.
    output : CSV with a row per comparison ("same networks": all with those of `model`; "as configured") and model:
    reference, seconds_per_step (median), ratio_to_reference (median) with its 95 % interval over the steps,
    peak_memory_bytes (of a process of its own), images_per_step, steps, size, device, device_type, precision, threads,
    torch.
    """
    if missing := {reference, model} - experiments.keys():
        raise ConfigError(f"experiments: no {min(missing)!r}, which the others are compared with", "include it")
    if steps < FEWEST_STEPS:
        raise ConfigError(f"steps is {steps}; an interval of the median needs {FEWEST_STEPS}")
    machine = machine_of(compute, threads)
    images = {"size": size, "channels": channels, "seed": seed}
    facts = {key: machine.describe()[key] for key in ("device", "device_type", "precision", "threads", "torch")}
    rows = []
    for comparison, models in comparisons(experiments, model).items():
        memory = [peak_memory(one, compute=compute, threads=threads, **images) for one in models.values()]
        steppers = [Stepper(one, compute=machine, **images) for one in models.values()]
        seconds = step_seconds(steppers, steps)
        ratios = seconds / seconds[list(models).index(reference)]
        for name, stepper, times, ratio, peak in zip(models, steppers, seconds, ratios, memory, strict=True):
            median, (low, high) = np.median(ratio), median_interval(ratio)
            row = {
                "comparison": comparison,
                "model": name,
                "reference": reference,
                "seconds_per_step": np.median(times),
                "ratio_to_reference": median,
                "ratio_ci95_low": low,
                "ratio_ci95_high": high,
                "peak_memory_bytes": peak,
                "images_per_step": stepper.images_per_step,
            }
            rows.append({**row, "steps": steps, "size": size, **facts})
            logger.info("%s, %s: %.3f (%.3f to %.3f) of %s's step", comparison, name, median, low, high, reference)
    write_text(output, pd.DataFrame(rows).to_csv(index=False))


def comparisons(experiments: dict, model: str) -> dict[str, dict]:
    """Experiments by name for each comparison; networks that a method does not have are left out."""
    networks = experiments[model]["networks"]
    alike = {
        name: {**settings, "networks": {part: networks[part] for part in settings["networks"]}}
        for name, settings in experiments.items()
    }
    return {"same networks": alike, "as configured": experiments}


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""CONTRIBUTING.md, followed word by word in a checkout."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "CONTRIBUTING.md").read_text()


def section(title: str) -> str:
    return re.split(r"^## ", TEXT.split(f"\n## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def blocks(title: str) -> list[tuple[str, str]]:
    """Language and content of the code blocks of a section."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", section(title), flags=re.MULTILINE | re.DOTALL)


def follow(title: str, folder: Path) -> list[str]:
    """Do what a section says: write its files, make its changes. What its command asks of Snakemake."""
    command = ""
    for language, content in blocks(title):
        if language == "sh":
            command = content
            continue
        first, content = content.split("\n", 1)
        path = folder / first.removeprefix("# ")
        if language == "diff":
            change(path, content)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    program, _, _, *arguments = shlex.split(command)
    assert program == "snakemake"
    return arguments


def change(path: Path, diff: str) -> None:
    """Replace what stands in a file by what a block with lines `-`, `+` and others says."""
    lines = diff.splitlines(keepends=True)
    old, new = ("".join(line[1:] for line in lines if line[0] in kinds) for kinds in (" -", " +"))
    text = path.read_text()
    assert text.count(f"\n{old}") == 1, f"{old!r} is {text.count(old)} times in {path}"
    path.write_text(text.replace(f"\n{old}", f"\n{new}"))


def make(checkout, arguments: list[str]) -> None:
    *targets, option, configfile = arguments
    assert option == "--configfile"
    result = checkout.snakemake(*targets, configfile=configfile)
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_a_model_is_added_and_trained(checkout):
    make(checkout, follow("A model", checkout.folder))
    results = checkout.folder / "results/linear/galaxy_zoo_cnn"
    weights = torch.load(results / "linear/seed0/model.pt", weights_only=True)
    shapes = [tuple(value.shape) for value in tensors(weights)]
    assert (37, 3 * 32**2) in shapes
    assert (results / "curves_linear.png").stat().st_size > 10_000


def tensors(value: object) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    return [found for child in value.values() for found in tensors(child)] if isinstance(value, dict) else []


@pytest.mark.slow
def test_settings_of_an_added_model_are_checked(checkout):
    follow("A model", checkout.folder)
    run = checkout.folder / "linear.yaml"
    run.write_text(run.read_text().replace("{architecture: linear}", "{architecture: linear, bais: true}"))
    result = checkout.snakemake("--dry-run", configfile="linear.yaml")
    assert result.returncode != 0
    assert "'bais'" in result.stdout and "'bias'" in result.stdout


@pytest.mark.slow
def test_a_data_set_is_added_and_packed(checkout):
    arguments = follow("A data set", checkout.folder)
    folder = checkout.folder / "my_stamps"
    folder.mkdir()
    stamps = np.random.default_rng(0).normal(size=(12, 32, 32)).astype(np.float32)
    np.save(folder / "stamps.npy", stamps)
    (folder / "labels.csv").write_text("object_id,magnitude\n" + "".join(f"{i},{20 + i / 10}\n" for i in range(12)))
    make(checkout, arguments)
    h5py = pytest.importorskip("h5py")
    with h5py.File(checkout.folder / "results/stamps/data/stamps/full_32.h5") as view:
        np.testing.assert_array_equal(view["pixels"][:, 0], stamps)
        assert view["labels"][3] == pytest.approx(20.3)
    assert "Stamps of galaxies" in (checkout.folder / "results/stamps/data/stamps/card.json").read_text()
    (folder / "labels.csv").unlink()
    result = checkout.snakemake("--dry-run", "--forceall", "data", configfile="stamps.yaml")
    assert "labels.csv: no such file" in result.stdout


@pytest.mark.slow
def test_a_paper_is_added_with_a_table_of_its_own(checkout):
    make(checkout, follow("A paper", checkout.folder))
    table = checkout.folder / "results/first/first_paper/table1_history.csv"
    assert len(table.read_text().splitlines()) == 3


@pytest.mark.slow
def test_a_metric_and_a_claim_are_added(checkout):
    follow("A metric", checkout.folder)
    make(checkout, follow("A claim", checkout.folder))
    results = checkout.folder / "results/metric"
    costs = [
        [
            json.loads((results / f"galaxy_zoo_cnn/{name}/seed{seed}/cost.json").read_text())["images_per_second"]
            for seed in (0, 1, 2)
        ]
        for name in ("approach1", "approach2")
    ]
    metrics = pd.read_csv(results / "summary/metrics.csv").set_index("metric")
    for name, values in zip(("approach1", "approach2"), costs, strict=True):
        assert list(metrics.loc[f"galaxy_zoo_cnn.images_per_second.{name}", "value"]) == pytest.approx(values)
    claims = pd.read_csv(results / "summary/claims.csv").set_index("claim")
    claim = claims.loc["galaxy_zoo_cnn_cropped_images_are_half_the_work"]
    assert claim["effect"] == pytest.approx(np.mean(np.divide(costs[1], costs[0])))
    assert claim["ci95_low"] < claim["effect"] < claim["ci95_high"] and claim["n"] == 3

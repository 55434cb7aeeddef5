"""Download the ImageNet weights of ResNet-50 that torchvision publishes."""

from pathlib import Path

from galaxies.models.resnet50 import fetch_imagenet_weights
from galaxies.scripting import run_script


def main(weights: Path) -> None:
    """Write the weight file; its digest is checked before it gets its name."""
    fetch_imagenet_weights(weights.parent)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

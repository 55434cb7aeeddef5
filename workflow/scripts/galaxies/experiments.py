"""What an experiment is, in words: its label in figures and tables, and how it differs from the published one."""

from typing import Any

from galaxies.views import parse_view

NETWORKS = {"cnn": "CNN", "resnet50": "ResNet-50", "efficientnet_lite0": "EfficientNet-Lite0"}


def experiments_of(paper: dict[str, Any]) -> list[str]:
    """Names of the experiments and arms of a paper, from its settings."""
    return [*paper["experiments"], *paper.get("augmentation", {}).get("arms", {})]


def describe(settings: dict) -> str:
    """One line that says what was really run: network, initialisation and input."""
    network = settings["network"]
    parts = [NETWORKS.get(network["architecture"], network["architecture"])]
    if "filters" in network:
        parts.append("-".join(map(str, network["filters"])))
    if "pretrained" in network:
        parts.append("from ImageNet weights" if network["pretrained"] == "imagenet" else "from random weights")
        if network["freeze"] != "none":
            parts.append(f"with frozen {network['freeze']}")
    dense = ", dense " + "-".join(map(str, network["dense"])) if network.get("dense") else ""
    _, crop, size = parse_view(settings["view"])
    field = f"{crop} px crop" if crop else "full frame"
    return f"{' '.join(parts)}{dense}; {field} at {size} px"


def differences(settings: dict, published: dict) -> list[str]:
    """How settings differ from the published ones, one text per leaf: `epochs 6 (published 20)`."""
    return [
        f"{key} {_short(value)} (published {_short(reference)})"
        for key, value, reference in _leaves(settings, published)
        if value != reference and key != "network weights"
    ]


def _leaves(settings: dict, published: dict, prefix: str = "") -> list[tuple[str, Any, Any]]:
    leaves = []
    for key in sorted(settings.keys() | published.keys()):
        value, reference, name = settings.get(key), published.get(key), f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, dict) and isinstance(reference, dict):
            leaves.extend(_leaves(value, reference, f"{name} "))
        else:
            leaves.append((name, value, reference))
    return leaves


def _short(value: Any) -> str:
    if value is None:
        return "none"
    return "-".join(map(str, value)) if isinstance(value, list) else str(value).replace("_", " ")

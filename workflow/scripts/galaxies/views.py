"""Names of packed views: `<kind>_<size>`, such as `full_100`, `crop250_70`, `pooled_63` or `histogram_10`."""

import re
from typing import NamedTuple

from galaxies.errors import ConfigError

PATTERN = r"(full|nearest|lanczos|pooled|histogram|crop[1-9][0-9]*)_[1-9][0-9]*"


class ViewName(NamedTuple):
    """kind : full, crop, nearest, lanczos, pooled or histogram. crop : side of the centre crop in pixels, 0 if none.
    size : side of the packed images in pixels, or number of features."""

    kind: str
    crop: int
    size: int


def parse_view(name: str) -> ViewName:
    """What the name of a view says; ValueError if it does not match PATTERN."""
    if not re.fullmatch(PATTERN, name):
        raise ValueError(f"{name!r} is no name of a view such as full_100 or crop250_70")
    field, size = name.split("_")
    if field.startswith("crop"):
        return ViewName("crop", int(field.removeprefix("crop")), int(size))
    return ViewName(field, 0, int(size))


def field_of(name: str, frame: int) -> int:
    """Side of what a view shows, in pixels of the published images, whose side is `frame`.

    Raises ConfigError for a view of another kind than full and crop.
    """
    kind, crop, _ = parse_view(name)
    if kind not in ("full", "crop"):
        raise ConfigError(f"the view {name} is neither one of the whole frame nor a crop", "write such as crop256_128")
    return crop or frame

"""Names of packed views: `full_100` is the whole frame at 100 px, `crop250_70` a centre crop of 250 px at 70 px."""

import re
from typing import NamedTuple

PATTERN = r"(full|crop[1-9][0-9]*)_[1-9][0-9]*"


class ViewName(NamedTuple):
    """crop : side of the centre crop in pixels, 0 for the whole frame. size : side of the packed images in pixels."""

    crop: int
    size: int


def parse_view(name: str) -> ViewName:
    """Crop and size that a name of a view says; ValueError if it does not match PATTERN."""
    if not re.fullmatch(PATTERN, name):
        raise ValueError(f"{name!r} is no name of a view such as full_100 or crop250_70")
    field, size = name.split("_")
    return ViewName(0 if field == "full" else int(field.removeprefix("crop")), int(size))

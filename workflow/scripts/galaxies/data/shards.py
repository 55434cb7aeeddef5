"""How many jobs pack a data set: what the workflow needs to know before any job runs."""

import itertools
from pathlib import Path


def count_rows(path: Path) -> int:
    """Number of objects in a catalogue, without reading it as a table."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b"")) - 1


def shard_rows(count: int, largest: int) -> list[range]:
    """Consecutive ranges that together are 0 to `count`, as equal as can be, of at most `largest` rows each."""
    shards = max(1, -(-count // largest))
    edges = [count * number // shards for number in range(shards + 1)]
    return [range(first, last) for first, last in itertools.pairwise(edges)]

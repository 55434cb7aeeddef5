"""How many jobs pack a data set: what the workflow needs to know before any job runs."""

from pathlib import Path


def count_rows(path: Path) -> int:
    """Number of objects in a catalogue, without reading it as a table."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b"")) - 1


def count_shards(count: int, largest: int) -> int:
    """Number of parts, at least one, of at most `largest` rows each."""
    return max(1, -(-count // largest))


def shard_rows(count: int, shard: int, shards: int) -> range:
    """Rows of part number `shard`, from 1, when `count` rows are cut into `shards` parts as equal as can be."""
    return range(count * (shard - 1) // shards, count * shard // shards)

"""Names in the files of the workflow."""

ID = "object_id"  # of ids, whatever the published tables call them
SUBSET, ORDER = "subset", "order"  # columns of a catalogue: part of the data set, position in the published table
GREY_LEVELS = "grey levels, 0..255"  # unit of the pixels of a view
MISSING = "nan"  # a label that an object does not have
WHOLE = "all"  # the subset of data sets that are published in one part

SPLIT_NAMES = ("train", "validation", "test")  # the sets of a supervised training
SPLIT_CODES = {name: code for code, name in enumerate(SPLIT_NAMES)}
REST = "rest"  # size of the set that takes what the others leave

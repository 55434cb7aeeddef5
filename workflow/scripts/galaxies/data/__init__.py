"""Data sets: readers, simulators, HDF5 views, splits and augmentation."""

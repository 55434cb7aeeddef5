"""One package per data set: where its files are (files), how they are read (images, labels) and simulated."""

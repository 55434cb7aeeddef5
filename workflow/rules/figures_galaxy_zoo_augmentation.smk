"""galaxy_zoo_augmentation: the augmentation experiment on real galaxies with known colour and mass."""

TARGETS["galaxy_zoo_augmentation"] = {**augmentation_figures(), "split": "split.csv"}

"""galaxy_zoo_augmentation: the augmentation experiment on real galaxies with known colour and mass."""

TARGETS["galaxy_zoo_augmentation"] = {"split": "split.csv"}

"""galaxy_cgan_augmentation: its split of the images; figures and tables follow with its experiments."""

TARGETS["galaxy_cgan_augmentation"] = {"split": "split.csv"}

"""galaxy_zoo_augmentation: the augmentation experiment on real galaxies with known colour and mass."""

TARGETS["galaxy_zoo_augmentation"] = {
    "real_vs_gan": "real_vs_gan.png",
    "conditional_scaling": "conditional_scaling.png",
    "fidelity": "predictor_errors.csv",
    "generators": "generators.png",
    "generators_table": "generators.csv",
    **augmentation_figures(),
    "split": "split.csv",
}

"""intergalactic_vae_cnn: its split of the images; figures and tables follow with its experiments."""

TARGETS["intergalactic_vae_cnn"] = {"split": "split.csv"}

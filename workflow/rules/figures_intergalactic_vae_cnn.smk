"""intergalactic_vae_cnn: figures 2 to 5, which any paper with generated star fields can have, and the errors of scorers."""

TARGETS["intergalactic_vae_cnn"] = {
    **field_figures(
        "intergalactic_vae_cnn",
        vae_samples="fig2",
        dcgan_samples="fig3",
        vae_bad_latent="fig4",
        vae_curves="fig5",
    ),
    **score_figures("intergalactic_vae_cnn", table="scores_"),
    "split": "split.csv",
}

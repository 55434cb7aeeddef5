"""galaxy_cgan_augmentation: figures 4 and 5; figures 2 and 3 and the experiment are those of any paper that has them."""

from galaxies.reported import read_recorded_rows


localrules:  # seconds each
    galaxy_cgan_augmentation_plot_classifier_real,
    galaxy_cgan_augmentation_plot_classifier_gan,


TARGETS["galaxy_cgan_augmentation"] = {
    **generator_figures("galaxy_cgan_augmentation", images="fig2_", scaling="fig3_"),
    **({"fig4": "fig4_classifier_real.png"} if has_whole_arm("galaxy_cgan_augmentation", "real_flips") else {}),
    **({"fig5": "fig5_classifier_gan.png"} if has_whole_arm("galaxy_cgan_augmentation", "gan_only_published") else {}),
    **augmentation_figures("galaxy_cgan_augmentation"),
    **judgement_figures("galaxy_cgan_augmentation"),
    "split": "split.csv",
}
RECORDED_CURVES = os.path.relpath(WORKFLOW.parent / "config" / "recorded_curves.csv")

if workflow.exec_mode == ExecMode.DEFAULT:
    try:
        read_recorded_rows(Path(RECORDED_CURVES))
    except PipelineError as error:
        sys.exit(f"Error: {error}")


rule galaxy_cgan_augmentation_plot_classifier_real:
    """Figure 4: learning curve of the classifier on real images with classical augmentation."""
    input:
        predictions="<results>/galaxy_cgan_augmentation/augmentation_predictions.h5",
        recorded_curves=RECORDED_CURVES,
    output:
        png=shown(
            "<results>/galaxy_cgan_augmentation/fig4_classifier_real.png",
            "classifier_curves",
            "learning curves of the classifier trained on real images",
        ),
        pdf="<results>/galaxy_cgan_augmentation/fig4_classifier_real.pdf",
        csv="<results>/galaxy_cgan_augmentation/fig4_classifier_real.csv",
    log:
        "<logs>/galaxy_cgan_augmentation/fig4.log",
    conda:
        "../../envs/plot.yaml"
    params:
        study=study_of("galaxy_cgan_augmentation"),
        arm="real_flips",
        differences=changes_of_arm("galaxy_cgan_augmentation", "real_flips"),
        recorded=["real_traditional_aug_v1", "real_traditional_aug_v2", "real_traditional_aug_v3"],
        recorded_as="recorded in the original notebooks",
        title="Real images with flips and shifts (Figure 4)",
        notes=["The paper does not state which of the recorded runs its Figure 4 shows."],
        code=code_of("plot_classifier_curves.py"),
    message:
        "Figure 4: classifier trained on real images"
    script:
        "../scripts/plot_classifier_curves.py"


rule galaxy_cgan_augmentation_plot_classifier_gan:
    """Figure 5: learning curve of the classifier on generated images alone."""
    input:
        predictions="<results>/galaxy_cgan_augmentation/augmentation_predictions.h5",
        recorded_curves=RECORDED_CURVES,
    output:
        png=shown(
            "<results>/galaxy_cgan_augmentation/fig5_classifier_gan.png",
            "classifier_curves",
            "learning curves of the classifier trained on generated images",
        ),
        pdf="<results>/galaxy_cgan_augmentation/fig5_classifier_gan.pdf",
        csv="<results>/galaxy_cgan_augmentation/fig5_classifier_gan.csv",
    log:
        "<logs>/galaxy_cgan_augmentation/fig5.log",
    conda:
        "../../envs/plot.yaml"
    params:
        study=study_of("galaxy_cgan_augmentation"),
        arm="gan_only_published",
        differences=changes_of_arm("galaxy_cgan_augmentation", "gan_only_published"),
        recorded=["gan_only_early_gan"],
        recorded_as="recorded for an earlier GAN",
        title="Generated images alone (Figure 5)",
        notes=["The run of the paper's Figure 5 was not recorded."],
        code=code_of("plot_classifier_curves.py"),
    message:
        "Figure 5: classifier trained on generated images"
    script:
        "../scripts/plot_classifier_curves.py"

"""The augmentation experiment of a paper: trained classifiers to metrics, paired differences, an answer and figures."""


localrules:  # seconds each
    plot_augmentation_learning_curves,
    plot_augmentation_effects,
    plot_augmentation_data_efficiency,
    plot_augmentation_calibration,


rule evaluate_classifiers:
    """What every classifier of the experiment predicts for the validation images after each epoch, in one file."""
    input:
        models=classifier_files("model.pt"),
        histories=classifier_files("history.csv"),
        view=classifier_view,
        split="<results>/{paper}/split.csv",
    output:
        predictions="<results>/{paper}/augmentation_predictions.h5",
    log:
        "<logs>/{paper}/augmentation_predictions.log",
    benchmark:
        "<benchmarks>/{paper}/augmentation_predictions.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        trainings=classifiers,
        study=study,
        code=code_of("evaluate_classifiers.py"),
    message:
        "Collecting the predictions of all classifiers of {wildcards.paper}"
    script:
        "../scripts/evaluate_classifiers.py"


rule tabulate_augmentation:
    """Metrics of all classifiers, paired differences between arms, calibration, and the answer to the question."""
    input:
        predictions="<results>/{paper}/augmentation_predictions.h5",
        reported=REPORTED,
    output:
        summary="<results>/{paper}/summary_metrics.csv",
        table=shown("<results>/{paper}/augmentation_table.csv", "augmentation_table", "metrics of every classifier"),
        markdown="<results>/{paper}/augmentation_table.md",
        effects="<results>/{paper}/augmentation_effects.csv",
        calibration="<results>/{paper}/augmentation_calibration.csv",
        answer=shown(
            "<results>/{paper}/augmentation_answer.csv", "augmentation_table", "answer to the question of the paper"
        ),
        answer_markdown="<results>/{paper}/augmentation_answer.md",
    log:
        "<logs>/{paper}/augmentation_table.log",
    benchmark:
        "<benchmarks>/{paper}/augmentation_table.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        paper="{paper}",
        study=study,
        notes=notes_of_arms,
        code=code_of("tabulate_augmentation.py"),
    message:
        "Tables of the augmentation experiment of {wildcards.paper}"
    script:
        "../scripts/tabulate_augmentation.py"


rule plot_augmentation_learning_curves:
    """Training and validation log-loss per epoch of every arm."""
    input:
        predictions="<results>/{paper}/augmentation_predictions.h5",
    output:
        png=shown(
            "<results>/{paper}/augmentation_learning_curves.png",
            "augmentation_learning_curves",
            "learning curves of every classifier",
        ),
        pdf="<results>/{paper}/augmentation_learning_curves.pdf",
    log:
        "<logs>/{paper}/augmentation_learning_curves.log",
    conda:
        "../../envs/plot.yaml"
    params:
        study=study,
        code=code_of("plot_augmentation_learning_curves.py"),
    message:
        "Learning curves of the augmentation experiment of {wildcards.paper}"
    script:
        "../scripts/plot_augmentation_learning_curves.py"


rule plot_augmentation_effects:
    """Difference of every arm to the baseline."""
    input:
        effects="<results>/{paper}/augmentation_effects.csv",
        summary="<results>/{paper}/summary_metrics.csv",
    output:
        png=shown("<results>/{paper}/augmentation_effects.png", "augmentation_effects", "effect of each augmentation"),
        pdf="<results>/{paper}/augmentation_effects.pdf",
    log:
        "<logs>/{paper}/augmentation_effects.log",
    conda:
        "../../envs/plot.yaml"
    params:
        study=study,
        differences=changes_of_study,
        code=code_of("plot_augmentation_effects.py"),
    message:
        "Effects of the augmentations of {wildcards.paper}"
    script:
        "../scripts/plot_augmentation_effects.py"


rule plot_augmentation_data_efficiency:
    """Metrics against the number of real images."""
    input:
        summary="<results>/{paper}/summary_metrics.csv",
    output:
        png=shown(
            "<results>/{paper}/augmentation_data_efficiency.png",
            "augmentation_data_efficiency",
            "metrics against the number of real images",
        ),
        pdf="<results>/{paper}/augmentation_data_efficiency.pdf",
    log:
        "<logs>/{paper}/augmentation_data_efficiency.log",
    conda:
        "../../envs/plot.yaml"
    params:
        study=study,
        code=code_of("plot_augmentation_data_efficiency.py"),
    message:
        "Data efficiency of the augmentations of {wildcards.paper}"
    script:
        "../scripts/plot_augmentation_data_efficiency.py"


rule plot_augmentation_calibration:
    """Reliability of every arm's probabilities."""
    input:
        calibration="<results>/{paper}/augmentation_calibration.csv",
        summary="<results>/{paper}/summary_metrics.csv",
    output:
        png=shown(
            "<results>/{paper}/augmentation_calibration.png",
            "augmentation_calibration",
            "calibration of the classifiers",
        ),
        pdf="<results>/{paper}/augmentation_calibration.pdf",
    log:
        "<logs>/{paper}/augmentation_calibration.log",
    conda:
        "../../envs/plot.yaml"
    params:
        study=study,
        differences=changes_of_study,
        code=code_of("plot_augmentation_calibration.py"),
    message:
        "Calibration of the classifiers of {wildcards.paper}"
    script:
        "../scripts/plot_augmentation_calibration.py"

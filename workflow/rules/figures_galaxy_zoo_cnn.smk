"""galaxy_zoo_cnn: tables and figures 1 to 7, from catalogue examples, histories and predictions."""


localrules:  # seconds each
    galaxy_zoo_cnn_make_examples,
    galaxy_zoo_cnn_plot_original,
    galaxy_zoo_cnn_plot_augmented,
    galaxy_zoo_cnn_plot_cropped,
    galaxy_zoo_cnn_join_histories,
    galaxy_zoo_cnn_plot_learning_curves,
    galaxy_zoo_cnn_tabulate,
    galaxy_zoo_cnn_plot_rmse,


TARGETS["galaxy_zoo_cnn"] = {
    "fig1": "fig1_original.png",
    "fig2": "fig2_augmented.png",
    "fig3": "fig3_cropped.png",
    **curve_figures("galaxy_zoo_cnn"),
    **{f"history_{experiment}": f"history_{experiment}.csv" for experiment in included("galaxy_zoo_cnn")},
    "rmse": "rmse.png",
    "table": "table_rmse.csv",
    "split": "split.csv",
}


rule galaxy_zoo_cnn_make_examples:
    """Galaxies of the training split: whole, augmented and cropped."""
    input:
        files=files_of_paper("galaxy_zoo_cnn"),
        view=view_of("galaxy_zoo_cnn", "approach1"),
        split="<results>/galaxy_zoo_cnn/split.csv",
    output:
        examples="<results>/galaxy_zoo_cnn/examples.h5",
    log:
        "<logs>/galaxy_zoo_cnn/examples.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(10),
    params:
        augmentation=config["papers"]["galaxy_zoo_cnn"]["experiments"]["approach1"]["augmentation"],
        crop=parse_view(config["papers"]["galaxy_zoo_cnn"]["experiments"]["approach2"]["view"]).crop,
        size=parse_view(config["papers"]["galaxy_zoo_cnn"]["experiments"]["approach2"]["view"]).size,
        folder=folder_of(dataset_of_paper("galaxy_zoo_cnn")),
        settings=settings_of(dataset_of_paper("galaxy_zoo_cnn")),
        seed=seeds_of("galaxy_zoo_cnn")[0],
        code=code_of("make_examples.py"),
    message:
        "Choosing example galaxies"
    script:
        "../scripts/make_examples.py"


rule galaxy_zoo_cnn_plot_original:
    """Figure 1: original images."""
    input:
        examples="<results>/galaxy_zoo_cnn/examples.h5",
    output:
        png=shown(
            "<results>/galaxy_zoo_cnn/fig1_original.png", "galaxy_zoo_cnn_images", "original images", seeds="first"
        ),
    log:
        "<logs>/galaxy_zoo_cnn/fig1.log",
    conda:
        "../../envs/plot.yaml"
    params:
        code=code_of("plot_original.py"),
    message:
        "Figure 1: original images"
    script:
        "../scripts/plot_original.py"


rule galaxy_zoo_cnn_plot_augmented:
    """Figure 2: augmented images."""
    input:
        examples="<results>/galaxy_zoo_cnn/examples.h5",
    output:
        png=shown(
            "<results>/galaxy_zoo_cnn/fig2_augmented.png", "galaxy_zoo_cnn_images", "augmented images", seeds="first"
        ),
    log:
        "<logs>/galaxy_zoo_cnn/fig2.log",
    conda:
        "../../envs/plot.yaml"
    params:
        code=code_of("plot_augmented.py"),
    message:
        "Figure 2: augmented images"
    script:
        "../scripts/plot_augmented.py"


rule galaxy_zoo_cnn_plot_cropped:
    """Figure 3: cropped images."""
    input:
        examples="<results>/galaxy_zoo_cnn/examples.h5",
    output:
        png=shown("<results>/galaxy_zoo_cnn/fig3_cropped.png", "galaxy_zoo_cnn_images", "cropped images", seeds="first"),
    log:
        "<logs>/galaxy_zoo_cnn/fig3.log",
    conda:
        "../../envs/plot.yaml"
    params:
        code=code_of("plot_cropped.py"),
    message:
        "Figure 3: cropped images"
    script:
        "../scripts/plot_cropped.py"


rule galaxy_zoo_cnn_evaluate_baselines:
    """Errors of predictions that need no network: train mean, all zeros, colour of the central pixel."""
    input:
        files=files_of_paper("galaxy_zoo_cnn"),
        view=view_of("galaxy_zoo_cnn", included("galaxy_zoo_cnn")[0]),  # any has the labels; this one is needed anyway
        split="<results>/galaxy_zoo_cnn/split.csv",
    output:
        baselines="<results>/galaxy_zoo_cnn/baselines.csv",
    log:
        "<logs>/galaxy_zoo_cnn/baselines.log",
    benchmark:
        "<benchmarks>/galaxy_zoo_cnn/baselines.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        folder=folder_of(dataset_of_paper("galaxy_zoo_cnn")),
        settings=settings_of(dataset_of_paper("galaxy_zoo_cnn")),
        code=code_of("evaluate_baselines.py"),
    message:
        "Evaluating the baselines of galaxy_zoo_cnn"
    script:
        "../scripts/evaluate_baselines.py"


rule galaxy_zoo_cnn_join_histories:
    """Loss and RMSE per epoch of one experiment, all seeds in one table."""
    input:
        histories=histories_of("galaxy_zoo_cnn"),
    output:
        history="<results>/galaxy_zoo_cnn/history_{experiment}.csv",
    log:
        "<logs>/galaxy_zoo_cnn/history_{experiment}.log",
    conda:
        "../../envs/plot.yaml"
    params:
        seeds=seeds_of("galaxy_zoo_cnn"),
        code=code_of("tabulate_history.py"),
    message:
        "History of {wildcards.experiment}"
    script:
        "../scripts/tabulate_history.py"


rule galaxy_zoo_cnn_plot_learning_curves:
    """Figures 4 to 7: learning curves, one figure per approach."""
    input:
        history="<results>/galaxy_zoo_cnn/history_{experiment}.csv",
        provenance=provenance_of("galaxy_zoo_cnn"),
        reported=REPORTED,
    output:
        png=shown("<results>/galaxy_zoo_cnn/{figure}_{experiment}.png", "galaxy_zoo_cnn_curves", "learning curves"),
        pdf="<results>/galaxy_zoo_cnn/{figure}_{experiment}.pdf",
    log:
        "<logs>/galaxy_zoo_cnn/{figure}_{experiment}.log",
    wildcard_constraints:
        figure="fig[0-9]+|curves",
    conda:
        "../../envs/plot.yaml"
    params:
        paper="galaxy_zoo_cnn",
        title=title_of("galaxy_zoo_cnn"),
        reported_as=lookup("papers/galaxy_zoo_cnn/experiments/{experiment}/reported_as", within=config),
        differences=differences_of("galaxy_zoo_cnn"),
        code=code_of("plot_learning_curves.py"),
    message:
        "Learning curves of {wildcards.experiment}"
    script:
        "../scripts/plot_learning_curves.py"


rule galaxy_zoo_cnn_tabulate:
    """RMSE of every network and baseline over seeds, beside the published values; errors per question; broken sums."""
    input:
        predictions=of_trainings("galaxy_zoo_cnn", "predictions.h5"),
        histories=of_trainings("galaxy_zoo_cnn", "history.csv"),
        costs=of_trainings("galaxy_zoo_cnn", "cost.json"),
        baselines="<results>/galaxy_zoo_cnn/baselines.csv",
        provenance=provenance_of("galaxy_zoo_cnn"),
        reported=REPORTED,
    output:
        table=shown(
            "<results>/galaxy_zoo_cnn/table_rmse.csv", "galaxy_zoo_cnn_rmse", "errors of all networks and baselines"
        ),
        per_seed="<results>/galaxy_zoo_cnn/table_rmse_per_seed.csv",
        markdown="<results>/galaxy_zoo_cnn/table_rmse.md",
        questions="<results>/galaxy_zoo_cnn/rmse_per_question.csv",
        violations="<results>/galaxy_zoo_cnn/constraint_violation.csv",
        comparisons="<results>/galaxy_zoo_cnn/rmse_differences.csv",
    log:
        "<logs>/galaxy_zoo_cnn/table.log",
    conda:
        "../../envs/plot.yaml"
    params:
        paper="galaxy_zoo_cnn",
        trainings=trainings_of("galaxy_zoo_cnn"),
        code=code_of("tabulate_rmse.py"),
    message:
        "Tables of galaxy_zoo_cnn"
    script:
        "../scripts/tabulate_rmse.py"


rule galaxy_zoo_cnn_plot_rmse:
    """All networks and baselines side by side."""
    input:
        table="<results>/galaxy_zoo_cnn/table_rmse.csv",
        provenance=provenance_of("galaxy_zoo_cnn"),
    output:
        png=shown("<results>/galaxy_zoo_cnn/rmse.png", "galaxy_zoo_cnn_rmse", "errors of all networks and baselines"),
        pdf="<results>/galaxy_zoo_cnn/rmse.pdf",
    log:
        "<logs>/galaxy_zoo_cnn/rmse.log",
    conda:
        "../../envs/plot.yaml"
    params:
        code=code_of("plot_rmse.py"),
    message:
        "RMSE of all approaches"
    script:
        "../scripts/plot_rmse.py"

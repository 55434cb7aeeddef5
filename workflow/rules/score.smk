"""Scores of images: baselines, predictions and errors of all scorers, and the images that generators make for them."""


localrules:  # seconds each
    tabulate_mae,
    write_query_predictions,
    plot_score_training,
    plot_scorer_curves,
    score_kept,
    sample_good_images,
    plot_generated_field,
    plot_drawn_images,


rule fit_baseline:
    """Ridge regression or a random forest of the histograms, its predictions, and how its parameter was chosen."""
    input:
        view=view_of_experiment,
        split="<results>/{paper}/split.csv",
        catalogue=catalogue_of_paper,
    output:
        model="<results>/{paper}/{experiment}/seed{seed}/model.skops",
        predictions="<results>/{paper}/{experiment}/seed{seed}/predictions.csv",
        search="<results>/{paper}/{experiment}/seed{seed}/search.csv",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/fit_baseline.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/fit_baseline.tsv"
    wildcard_constraints:
        paper=SCORING_PAPERS,
        experiment=SCORED_BY["baseline"],
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        experiment=training_settings,
        seed=lambda wildcards: int(wildcards.seed),
        code=code_of("fit_baseline.py"),
    message:
        "Fitting {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/fit_baseline.py"


rule tabulate_mae:
    """Errors of all scorers over seeds, beside the published ones."""
    input:
        predictions=files_of_entries(compared_scorers_of, "predictions.csv"),
        catalogue=catalogue_of_paper,
        provenance=provenance_of_wildcard,
        reported=REPORTED,
    output:
        table=shown("<results>/{paper}/{table}mae.csv", "table1_mae", "errors of the scores"),
        per_seed="<results>/{paper}/{table}mae_per_seed.csv",
        markdown="<results>/{paper}/{table}mae.md",
    log:
        "<logs>/{paper}/{table}mae.log",
    wildcard_constraints:
        paper=SCORING_PAPERS,
        table="(table1_|scores_)?",
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=entries_of(compared_scorers_of),
        paper="{paper}",
        reference=lambda wildcards: reference_scorer(wildcards.paper),
        train_on=sets_of_reference,
        code=code_of("tabulate_mae.py"),
    message:
        "Errors of the scorers of {wildcards.paper}"
    script:
        "../scripts/tabulate_mae.py"


rule write_query_predictions:
    """Scores of the query images by the first training of one scorer, to be submitted."""
    input:
        predictions=first_predicted,
    output:
        query="<results>/{paper}/query_pred_{experiment}.csv",
    log:
        "<logs>/{paper}/query_pred_{experiment}.log",
    wildcard_constraints:
        paper=SCORING_PAPERS,
    conda:
        "../../envs/torch.yaml"
    params:
        code=code_of("write_query_predictions.py"),
    message:
        "Scores of the query images by {wildcards.experiment} of {wildcards.paper}"
    script:
        "../scripts/write_query_predictions.py"


rule predict_scores:
    """Scores of all images by one trained network."""
    input:
        view=view_of_experiment,
        split="<results>/{paper}/split.csv",
        catalogue=catalogue_of_paper,
        model="<results>/{paper}/{experiment}/seed{seed}/model.pt",
    output:
        predictions="<results>/{paper}/{experiment}/seed{seed}/predictions.csv",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/predict_scores.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/predict_scores.tsv"
    wildcard_constraints:
        paper=SCORING_PAPERS,
        experiment=f"(?!({'|'.join(SCORED_BY.values())})/)[^/]+",
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
        gpu=GPUS,
    params:
        compute=compute_settings,
        precision=config["compute"]["precision"],
        code=experiment_code("predict_scores.py"),
    message:
        "Scores by {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/predict_scores.py"


rule predict_discriminator_scores:
    """Scores of all images from the discriminator of one trained GAN."""
    input:
        view=view_of_experiment,
        split="<results>/{paper}/split.csv",
        catalogue=catalogue_of_paper,
        model=model_of("discriminator"),
    output:
        predictions="<results>/{paper}/{experiment}/seed{seed}/predictions.csv",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/predict_discriminator_scores.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/predict_discriminator_scores.tsv"
    wildcard_constraints:
        paper=SCORING_PAPERS,
        experiment=SCORED_BY["discriminator"],
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
        gpu=GPUS,
    params:
        experiment=training_settings,
        compute=compute_settings,
        precision=config["compute"]["precision"],
        code=discriminator_code("predict_discriminator_scores.py"),
    message:
        "Scores by {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/predict_discriminator_scores.py"


rule measure_first_predictions:
    """What the networks of regressions of scores say before their training, of pixels of either scale."""
    input:
        views=views_of_regressions,
        split="<results>/{paper}/split.csv",
    output:
        table=shown("<results>/{paper}/first_predictions.csv", "first_predictions", "predictions before the training"),
        per_seed="<results>/{paper}/first_predictions_per_seed.csv",
    log:
        "<logs>/{paper}/first_predictions.log",
    benchmark:
        "<benchmarks>/{paper}/first_predictions.tsv"
    wildcard_constraints:
        paper=SCORING_PAPERS,
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        experiments=entries_of(first_regressions_of),
        seeds=lambda wildcards: seeds_of(wildcards.paper),
        code=regressions_code("measure_first_predictions.py"),
    message:
        "First predictions of the scorers of {wildcards.paper}"
    script:
        "../scripts/measure_first_predictions.py"


rule plot_scorer_curves:
    """Errors of regressions of scores in each epoch, and the epoch whose weights are kept."""
    input:
        histories=files_of_entries(regressions_of, "history.csv"),
        split="<results>/{paper}/split.csv",
        catalogue=catalogue_of_paper,
        provenance=provenance_of_wildcard,
    output:
        png=shown("<results>/{paper}/scorer_curves.png", "scorer_curves", "training of the scorers"),
        pdf="<results>/{paper}/scorer_curves.pdf",
    log:
        "<logs>/{paper}/scorer_curves.log",
    wildcard_constraints:
        paper=SCORING_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=entries_of(regressions_of),
        notes=notes_of_entries(regressions_of),
        code=code_of("plot_scorer_curves.py"),
    message:
        "Training of the scorers of {wildcards.paper}"
    script:
        "../scripts/plot_scorer_curves.py"


rule plot_score_training:
    """Errors and losses during the training of all networks that score and generate."""
    input:
        histories=files_of_entries(histories_shown_of, "history.csv"),
        provenance=provenance_of_wildcard,
    output:
        png=shown(
            "<results>/{paper}/training_curves.png",
            "score_training",
            "training of the networks that score and generate",
        ),
        pdf="<results>/{paper}/training_curves.pdf",
    log:
        "<logs>/{paper}/training_curves.log",
    wildcard_constraints:
        paper=SCORING_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=entries_of(histories_shown_of),
        notes=notes_of_entries(histories_shown_of),
        code=code_of("plot_score_training.py"),
    message:
        "Training of the networks of {wildcards.paper}"
    script:
        "../scripts/plot_score_training.py"


rule draw_images:
    """Images of one trained generator that its own score discriminator likes."""
    input:
        model="<results>/{paper}/{experiment}/seed{seed}/model.pt",
    output:
        kept="<results>/{paper}/{experiment}/seed{seed}/kept.h5",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/draw_images.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/draw_images.tsv"
    wildcard_constraints:
        paper=DRAWING_PAPERS,
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
        gpu=GPUS,
    params:
        keep_above=generation_of("keep_above"),
        wanted=generation_of("wanted"),
        most_draws=generation_of("most_draws"),
        diverse=generation_of("diverse"),
        compute=compute_settings,
        precision=config["compute"]["precision"],
        code=experiment_code("draw_images.py"),
    message:
        "Drawing images from {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/draw_images.py"


rule score_kept:
    """What a baseline that never saw generated images says of those that one generator made and that were kept."""
    input:
        kept="<results>/{paper}/{experiment}/seed{seed}/kept.h5",
        judge=judge_of_generated("model.skops"),
    output:
        scores="<results>/{paper}/{experiment}/seed{seed}/kept_scores.csv",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/score_kept.log",
    wildcard_constraints:
        paper=DRAWING_PAPERS,
    conda:
        "../../envs/torch.yaml"
    params:
        code=code_of("score_kept.py"),
    message:
        "Scores of the kept images of {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/score_kept.py"


rule sample_good_images:
    """Training images with good scores, to compare generated ones with."""
    input:
        split="<results>/{paper}/split.csv",
        catalogue=catalogue_of_paper,
        provenance=provenance_of_wildcard,
        files=image_files_of_paper,
    output:
        images="<results>/{paper}/good_images.h5",
    log:
        "<logs>/{paper}/good_images.log",
    wildcard_constraints:
        paper=DRAWING_PAPERS,
    conda:
        "../../envs/torch.yaml"
    params:
        train_on=scored_sets_of_judge,
        folder=image_folder_of_paper,
        layout=layout_of_paper,
        settings=image_settings_of_paper,
        code=images_code("sample_good_images.py"),
    message:
        "Training images of {wildcards.paper} with good scores"
    script:
        "../scripts/sample_good_images.py"


rule measure_generated:
    """Scores, blobs and diversity of generated images, beside those of training images."""
    input:
        kept=files_of_entries(drawing_of, "kept.h5"),
        kept_scores=files_of_entries(drawing_of, "kept_scores.csv"),
        good="<results>/{paper}/good_images.h5",
        judged=judge_of_generated("predictions.csv"),
        catalogue=catalogue_of_paper,
        provenance=provenance_of_wildcard,
        reported=REPORTED,
    output:
        scores=shown("<results>/{paper}/generated_scores.csv", "generated_scores", "scores of generated images"),
        per_seed="<results>/{paper}/generated_scores_per_seed.csv",
        diversity=shown("<results>/{paper}/diversity.csv", "diversity", "diversity of generated images"),
        diversity_per_seed="<results>/{paper}/diversity_per_seed.csv",
    log:
        "<logs>/{paper}/generated_scores.log",
    benchmark:
        "<benchmarks>/{paper}/generated_scores.tsv"
    wildcard_constraints:
        paper=DRAWING_PAPERS,
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        trainings=entries_of(drawing_of),
        paper="{paper}",
        code=code_of("measure_generated.py"),
    message:
        "Measuring the generated images of {wildcards.paper}"
    script:
        "../scripts/measure_generated.py"


rule plot_generated_field:
    """One kept image, plain and with auto-levels."""
    input:
        kept=shown_kept("kept.h5"),
        scores=shown_kept("kept_scores.csv"),
        reported=REPORTED,
    output:
        png=shown("<results>/{paper}/{figure}_generated.png", "generated_field", "generated image", seeds="first"),
    log:
        "<logs>/{paper}/{figure}_generated.log",
    wildcard_constraints:
        paper=DRAWING_PAPERS,
        figure="|".join(SHOWN_IN),
    conda:
        "../../envs/plot.yaml"
    params:
        paper="{paper}",
        figure="{figure}",
        rank=lambda wildcards: SHOWN_IN[wildcards.figure],
        label=shown_drawing("label"),
        judge_label=label_of_judge,
        differences=shown_drawing("differences"),
        code=code_of("plot_generated_field.py"),
    message:
        "Generated image, {wildcards.figure} of {wildcards.paper}"
    script:
        "../scripts/plot_generated_field.py"


rule plot_drawn_images:
    """Images of all generators below training images."""
    input:
        kept=files_of_entries(first_drawing_of, "kept.h5"),
        good="<results>/{paper}/good_images.h5",
        diversity="<results>/{paper}/diversity.csv",
    output:
        png=shown(
            "<results>/{paper}/drawn_images.png",
            "drawn_images",
            "generated images side by side",
            seeds="first",
        ),
    log:
        "<logs>/{paper}/drawn_images.log",
    wildcard_constraints:
        paper=DRAWING_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=entries_of(first_drawing_of),
        notes=notes_of_entries(first_drawing_of),
        code=code_of("plot_drawn_images.py"),
    message:
        "Generated images of {wildcards.paper} side by side"
    script:
        "../scripts/plot_drawn_images.py"


rule score_images:
    """Scores of a folder of your own images: `snakemake score_images --config images=FOLDER`."""
    input:
        model=scoring_model,
    log:
        "<logs>/score_images.log",
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    # It has no output, so that it runs whenever it is asked for, whatever the folder; nor has Snakemake then a table to
    # delete when one of the images is bad.
    params:
        images=images_to_score,
        output=scores_of_images,
        frame=frame_of_scored,
        compute={"device": "cpu"},  # one image at a time, in the time that it takes to read it
    message:
        "Scoring images"
    script:
        "../scripts/score_images.py"

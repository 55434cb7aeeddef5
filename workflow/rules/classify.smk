"""Classifiers of several classes: trained models to predictions for the test images, tables and a figure."""


localrules:  # seconds each
    plot_confusion,


rule classify:
    """What one trained classifier says of the test images."""
    input:
        view=view_of_experiment,
        split="<results>/{paper}/split.csv",
        model="<results>/{paper}/{experiment}/seed{seed}/model.pt",
    output:
        predictions="<results>/{paper}/{experiment}/seed{seed}/class_predictions.h5",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/classify.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/classify.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
        gpu=GPUS,
    params:
        compute=compute_settings,
        precision=config["compute"]["precision"],
        code=experiment_code("classify.py"),
    message:
        "Classifying the test images with {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/classify.py"


rule tabulate_classifier:
    """Accuracy and confusion of a paper's classifiers, or of those that judge its generators."""
    input:
        predictions=class_predictions,
        provenance=provenance_of_classifiers,
        reported=REPORTED,
    output:
        metrics=shown("<results>/{paper}/classifier_metrics.csv", "classifier_metrics", "accuracy of the classifiers"),
        per_seed="<results>/{paper}/classifier_metrics_per_seed.csv",
        confusion_table="<results>/{paper}/classifier_confusion.csv",
    log:
        "<logs>/{paper}/classifier_metrics.log",
    benchmark:
        "<benchmarks>/{paper}/classifier_metrics.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        trainings=classifiers_shown,
        code=code_of("tabulate_classifier.py"),
    message:
        "Accuracy of the classifiers of {wildcards.paper}"
    script:
        "../scripts/tabulate_classifier.py"


rule plot_confusion:
    """Confusion matrix of each classifier."""
    input:
        metrics="<results>/{paper}/classifier_metrics.csv",
        confusion_table="<results>/{paper}/classifier_confusion.csv",
    output:
        png=shown(
            "<results>/{paper}/classifier_confusion.png",
            "classifier_confusion",
            "confusion matrices of the classifiers",
        ),
        pdf="<results>/{paper}/classifier_confusion.pdf",
    log:
        "<logs>/{paper}/classifier_confusion.log",
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code_of("plot_confusion.py"),
    message:
        "Confusion matrices of the classifiers of {wildcards.paper}"
    script:
        "../scripts/plot_confusion.py"

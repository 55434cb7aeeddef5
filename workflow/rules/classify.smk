"""Classifiers of several classes: trained models to predictions for the test images, tables and a figure."""


def classifier_study(paper):
    """The study whose classifiers a paper shows: that of the judge of its generators, or the paper itself."""
    return (config["papers"][paper].get("judgement") or {}).get("paper", paper)


def classifiers_of(paper):
    """Classifiers of several classes that a study trains times its seeds, for tables."""
    settings = EXPERIMENTS[paper]
    return [
        {
            "experiment": name,
            "label": settings[name].get("label", name),
            "seed": seed,
            "reported_as": settings[name]["reported_as"],
            "differences": changes(paper, name),
        }
        for name in included(paper)
        if settings[name]["method"] == "multiclass_classification"
        for seed in seeds_of(paper)
    ]


def classifiers_shown(wildcards):
    return classifiers_of(classifier_study(wildcards.paper))


def class_predictions(wildcards):
    """What the classifiers that a paper shows say of the test images, in the order of `classifiers_shown`."""
    study = classifier_study(wildcards.paper)
    members = classifiers_of(study)
    return [f"{RESULTS}/{study}/{m['experiment']}/seed{m['seed']}/class_predictions.h5" for m in members]


def provenance_of_classifiers(wildcards):
    return provenance_of(classifier_study(wildcards.paper))


def classifier_figures(paper):
    """Short name -> file of what shows the classifiers of a paper: its own, or those of the study that judges for it."""
    if not classifiers_of(classifier_study(paper)):
        return {}
    return {"classifier": "classifier_metrics.csv", "confusion": "classifier_confusion.png"}


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
        metrics=report(
            "<results>/{paper}/classifier_metrics.csv",
            category="{paper}",
            caption="../report/classifier_metrics.rst",
        ),
        confusion_table="<results>/{paper}/classifier_confusion.csv",
    log:
        "<logs>/{paper}/classifier_metrics.log",
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
        png=report(
            "<results>/{paper}/classifier_confusion.png",
            category="{paper}",
            caption="../report/classifier_confusion.rst",
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

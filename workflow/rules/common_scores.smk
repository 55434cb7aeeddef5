"""Input functions about scores of images, the generators that are trained against them, and the baselines. Makes nothing itself."""

from galaxies.scorers import BASELINES, SCORERS, draws_images, score_alike

SCORING_PAPERS = (
    "|".join(
        paper
        for paper in config["papers"]
        if any(EXPERIMENTS[paper][name]["method"] in SCORERS for name in config["papers"][paper]["include"])
    )
    or "(?!)"
)
DRAWING_PAPERS = "|".join(paper for paper in config["papers"] if "generation" in config["papers"][paper]) or "(?!)"
FITTED = (
    "|".join(sorted({name for known in EXPERIMENTS.values() for name, s in known.items() if s["method"] in BASELINES}))
    or "(?!)"
)
SHOWN_IN = {"fig4": 1, "fig5": 2}  # figure -> rank by score of the image that it shows


def scorers_of(paper, *methods):
    """What each training of a scorer is, for tables: experiments of the methods, or of all that score, times seeds."""
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
        if settings[name]["method"] in (methods or SCORERS)
        for seed in seeds_of(paper)
    ]


def distinct_scorers_of(paper):
    """Of `scorers_of` those that do not end as an earlier one does: variants of a generator share their scorer."""
    settings, distinct = EXPERIMENTS[paper], []
    for name in dict.fromkeys(entry["experiment"] for entry in scorers_of(paper)):
        if not any(score_alike(settings[name], settings[other]) for other in distinct):
            distinct.append(name)
    return [entry for entry in scorers_of(paper) if entry["experiment"] in distinct]


def drawing_of(paper):
    """Of `scorers_of` those whose generators are trained."""
    return [entry for entry in scorers_of(paper) if draws_images(EXPERIMENTS[paper][entry["experiment"]])]


def first_of_each(entries):
    """The first seed of each experiment."""
    return list({entry["experiment"]: entry for entry in reversed(entries)}.values())[::-1]


def files_of_scorers(entries, file):
    """Function that gives a file of each of the trainings that `entries`, a function of the paper, names."""
    return lambda wildcards: [
        f"{RESULTS}/{wildcards.paper}/{entry['experiment']}/seed{entry['seed']}/{file}"
        for entry in entries(wildcards.paper)
    ]


def entries_of(entries):
    return lambda wildcards: entries(wildcards.paper)


def first_drawing_of(paper):
    return first_of_each(drawing_of(paper))


def histories_shown_of(paper):
    """Trainings of networks, with the step from which on each trains its generator, and whether its scorer is new."""
    distinct = {entry["experiment"] for entry in distinct_scorers_of(paper)}
    return [
        {
            **entry,
            "discriminator_steps": EXPERIMENTS[paper][entry["experiment"]]["discriminator_steps"],
            "distinct_scorer": entry["experiment"] in distinct,
        }
        for entry in scorers_of(paper, "two_in_one")
    ]


def first_predictions(wildcards):
    """Predictions of the first seed of a scorer."""
    return f"{RESULTS}/{wildcards.paper}/{wildcards.experiment}/seed{seeds_of(wildcards.paper)[0]}/predictions.csv"


def generation_of(key):
    return lambda wildcards: config["papers"][wildcards.paper]["generation"][key]


def judge_of_generated(file):
    """Function that gives a file of the baseline that scores what generators make, of its first seed."""
    return lambda wildcards: (
        f"{RESULTS}/{wildcards.paper}/{generation_of('judge')(wildcards)}/seed{seeds_of(wildcards.paper)[0]}/{file}"
    )


def label_of_judge(wildcards):
    return EXPERIMENTS[wildcards.paper][generation_of("judge")(wildcards)].get("label", "judge")


def scored_sets_of_judge(wildcards):
    return EXPERIMENTS[wildcards.paper][generation_of("judge")(wildcards)]["train_on"]


def shown_kept(file):
    """Function that gives a file of the generator that the figures show, the first that is included."""
    return lambda wildcards: files_of_scorers(first_drawing_of, file)(wildcards)[0]


def shown_drawing(key):
    return lambda wildcards: first_drawing_of(wildcards.paper)[0][key]


def image_folder_of_paper(wildcards):
    return folder_of(dataset_of_paper(wildcards.paper))


def image_files_of_paper(wildcards):
    return files_of(dataset_of_paper(wildcards.paper))


def images_code(script):
    """Digest of a script's code together with the readers of the images of the paper's data set."""
    return lambda wildcards: code_of(
        script, *(f"galaxies.datasets.{layout_of_paper(wildcards)}.{module}" for module in ("images", "files"))
    )


def image_settings_of_paper(wildcards):
    return settings_of(dataset_of_paper(wildcards.paper))


def scoring_model(wildcards):
    """The model that scores a user's images: that of the first paper with a scorer, of the first seed."""
    if not config["images"]:
        sys.exit("Error: score_images: no images are given\nHint: add --config images=FOLDER")
    paper = next((paper for paper in config["papers"] if reference_scorer(paper)), None)
    if paper is None:
        sys.exit("Error: score_images: no paper of this run trains a model that scores images\nHint: add two_in_one")
    entry = next(entry for entry in scorers_of(paper) if entry["experiment"] == reference_scorer(paper))
    suffix = "skops" if EXPERIMENTS[paper][entry["experiment"]]["method"] in BASELINES else "pt"
    return f"{RESULTS}/{paper}/{entry['experiment']}/seed{entry['seed']}/model.{suffix}"


def scores_of_images(wildcards):
    """Table of the scores of a user's images, in a folder that the model's training has made."""
    return str(Path(scoring_model(wildcards)).parents[2] / f"scores_of_{Path(config['images']).resolve().name}.csv")


def frame_of_scored(wildcards):
    return config["data"][dataset_of_paper(Path(scoring_model(wildcards)).parts[2])].get("frame")


def score_figures(paper):
    """Short name -> file of what shows the scorers of a paper and the images of its generators."""
    entries = scorers_of(paper)
    figures = {}
    if any(entry["experiment"] == reference_scorer(paper) for entry in entries):
        figures["table1"] = "table1_mae.csv"
    names = dict.fromkeys(entry["experiment"] for entry in entries if entry["reported_as"])
    figures |= {f"query_pred_{name}": f"query_pred_{name}.csv" for name in names}
    if scorers_of(paper, "two_in_one"):
        figures["curves"] = "training_curves.png"
    if "generation" in config["papers"][paper] and drawing_of(paper):
        figures |= {name: f"{name}_generated.png" for name in SHOWN_IN}
        figures |= {"generated": "generated_fields.png", "generated_scores": "generated_scores.csv"}
        figures |= {"diversity": "diversity.csv"}
    return figures


def reference_scorer(paper):
    """The scorer that others are compared with: the first of the networks, or the first of all."""
    return next((entry["experiment"] for entry in scorers_of(paper, "two_in_one") or scorers_of(paper)), None)

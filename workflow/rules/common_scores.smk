"""Input functions about scores of images, the generators that are trained against them, and the baselines. Makes nothing itself."""

import re

from galaxies.scorers import BASELINES, SCORERS, draws_images

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
SHOWN_IN = {"fig4": 1, "fig5": 2, "best": 1, "second_best": 2}  # figure -> rank by score of the image that it shows


def scorers_of(paper, *methods):
    """What each training of a scorer is, for tables: experiments of the methods, or of all that score, times seeds.

    Ridge regression has nothing random, and therefore one training.
    """
    settings = EXPERIMENTS[paper]
    return [
        {
            "experiment": name,
            "label": settings[name].get("label", name),
            "seed": seed,
            "random": settings[name]["method"] != "ridge",
            "reported_as": settings[name]["reported_as"],
            "differences": changes(paper, name),
        }
        for name in included(paper)
        if settings[name]["method"] in (methods or SCORERS)
        for seed in (seeds_of(paper)[:1] if settings[name]["method"] == "ridge" else seeds_of(paper))
    ]


def compared_scorers_of(paper):
    """Of `scorers_of` those that stand in the table of errors."""
    return [entry for entry in scorers_of(paper) if EXPERIMENTS[paper][entry["experiment"]].get("compare_scores", True)]


def drawing_of(paper):
    """Of `scorers_of` those whose generators are trained, with how images are kept and judged among the differences."""
    return [
        {**entry, "differences": [*entry["differences"], *changes_of_generation(paper)]}
        for entry in scorers_of(paper)
        if draws_images(EXPERIMENTS[paper][entry["experiment"]])
    ]


def changes_of_generation(paper):
    """How images are kept and judged otherwise than in the paper, as texts."""
    if paper not in PUBLISHED or "generation" not in config["papers"][paper]:
        return []
    stated = ("keep_above", "wanted", "judge")
    ours, published = (
        {key: settings["generation"][key] for key in stated} for settings in (config["papers"][paper], PUBLISHED[paper])
    )
    judge, reference = EXPERIMENTS[paper].get(ours["judge"]), expanded(PUBLISHED[paper]).get(ours["judge"])
    return [
        *differences({"generation": ours}, {"generation": published}),
        *(
            f"judge's {text}"
            for text in (differences(without_labels(judge), without_labels(reference)) if judge else [])
        ),
    ]


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
    """Trainings of networks, with the step from which on each trains its generator, and whether its scores count."""
    return [
        {
            **entry,
            **{key: EXPERIMENTS[paper][entry["experiment"]][key] for key in ("discriminator_steps", "compare_scores")},
        }
        for entry in scorers_of(paper, "two_in_one")
    ]


def sets_of_reference(wildcards):
    return EXPERIMENTS[wildcards.paper][reference_scorer(wildcards.paper)]["train_on"]


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
    return lambda wildcards: digest_of(
        script, *(f"galaxies.datasets.{layout_of_paper(wildcards)}.{module}" for module in ("images", "files"))
    )


def image_settings_of_paper(wildcards):
    return settings_of(dataset_of_paper(wildcards.paper))


def scorer_of_images():
    """The training that scores a user's images: the reference of the first paper with scorers, of its first seed."""
    if not config["images"]:
        sys.exit("Error: score_images: no images are given\nHint: add --config images=FOLDER")
    for paper in config["papers"]:
        for entry in compared_scorers_of(paper):
            if entry["experiment"] == reference_scorer(paper):
                return paper, entry
    sys.exit("Error: score_images: no paper of this run trains a model that scores images\nHint: add two_in_one")


def scoring_model(wildcards):
    paper, entry = scorer_of_images()
    suffix = "skops" if EXPERIMENTS[paper][entry["experiment"]]["method"] in BASELINES else "pt"
    return f"{RESULTS}/{paper}/{entry['experiment']}/seed{entry['seed']}/model.{suffix}"


def scores_of_images(wildcards):
    """Table of the scores of a user's images, in a folder that the model's training has made."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", config["images"]).strip("_.")
    return f"{RESULTS}/{scorer_of_images()[0]}/scores_of_{name}.csv"


def frame_of_scored(wildcards):
    return config["data"][dataset_of_paper(scorer_of_images()[0])].get("frame")


def score_figures(paper, table=""):
    """Short name -> file of what shows the scorers of a paper and the images of its generators; `table` is a number."""
    figures = {table.rstrip("_") or "mae": f"{table}mae.csv"} if reference_scorer(paper) else {}
    names = dict.fromkeys(entry["experiment"] for entry in compared_scorers_of(paper))
    figures |= {f"query_pred_{name}": f"query_pred_{name}.csv" for name in names}
    if scorers_of(paper, "two_in_one"):
        figures["curves"] = "training_curves.png"
    if "generation" in config["papers"][paper] and drawing_of(paper):
        shown = ("fig4", "fig5") if table else ("best", "second_best")
        figures |= {name: f"{name}_generated.png" for name in shown}
        figures |= {"generated": "generated_fields.png", "generated_scores": "generated_scores.csv"}
        figures |= {"diversity": "diversity.csv"}
    return figures


def reference_scorer(paper):
    """The scorer that others are compared with: the first of the networks in the table, or the first of all."""
    entries = compared_scorers_of(paper)
    networks = [entry for entry in entries if EXPERIMENTS[paper][entry["experiment"]]["method"] == "two_in_one"]
    return next((entry["experiment"] for entry in [*networks, *entries]), None)

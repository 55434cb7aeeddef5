"""Input functions about scores of images, the generators that are trained against them, and the baselines. Makes nothing itself."""

from galaxies.data.image_folders import list_images, name_of_folder
from galaxies.scorers import BASELINES, NETWORKS, SCORERS, draws_images, scored_by

SCORING_PAPERS = (
    "|".join(
        paper
        for paper in config["papers"]
        if any(EXPERIMENTS[paper][name]["method"] in SCORERS for name in config["papers"][paper]["include"])
    )
    or "(?!)"
)
DRAWING_PAPERS = "|".join(paper for paper in config["papers"] if "generation" in config["papers"][paper]) or "(?!)"
SCORED_BY = {  # what makes predictions -> names of the experiments
    kind: "|".join(sorted({n for known in EXPERIMENTS.values() for n, s in known.items() if scored_by(s) == kind}))
    or "(?!)"
    for kind in ("baseline", "discriminator")
}
SHOWN_IN = {"fig4": 1, "fig5": 2, "best": 1, "second_best": 2}  # figure -> rank by score of the image that it shows


def scorers_of(paper, *methods):
    """What each training of a scorer is, for tables: experiments of the methods, or of all that score, times seeds.

    Ridge regression has nothing random, and therefore one training.
    """
    settings = EXPERIMENTS[paper]
    names = [name for name in included(paper) if settings[name]["method"] in (methods or SCORERS)]
    entries = trainings(paper, names, "method", "reported_as", "validate_on", "truncate_scores")
    return [
        {
            **{key: value for key, value in entry.items() if key not in ("method", "validate_on")},
            "random": entry["method"] != "ridge",
            "epoch_chosen_on": entry["validate_on"] if entry["method"] == "score_regression" else None,
        }
        for entry in entries
        if entry["method"] != "ridge" or entry["seed"] == seeds_of(paper)[0]
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


def regressions_of(paper):
    """Trainings of regressions of scores, with their networks and the sets of the split that they use."""
    settings = EXPERIMENTS[paper]
    return [
        {**entry, **{key: settings[entry["experiment"]][key] for key in ("network", "train_on", "validate_on")}}
        for entry in scorers_of(paper, "score_regression")
    ]


def first_regressions_of(paper):
    return first_of_each(regressions_of(paper))


def views_of_regressions(wildcards):
    """Views of `first_regressions_of`, in its order."""
    return [view_of(wildcards.paper, entry["experiment"]) for entry in first_regressions_of(wildcards.paper)]


def regressions_code(script):
    """Digest of a script's code together with the architectures of the regressions of scores."""
    return lambda wildcards: digest_of(
        script,
        *sorted({f"galaxies.models.{e['network']['architecture']}" for e in first_regressions_of(wildcards.paper)}),
    )


def discriminator_code(script):
    """Digest of a script's code together with the modules of the GAN whose discriminator an experiment takes."""
    return lambda wildcards: digest_of(
        script, *sorted(modules_of(EXPERIMENTS[wildcards.paper][experiment_of(wildcards)["discriminator"]]))
    )


def first_predicted(wildcards):
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

    def of_first(wildcards):
        if not first_drawing_of(wildcards.paper):
            sys.exit(
                f"Error: papers.{wildcards.paper}: no included experiment trains a generator\n"
                "Hint: include one whose steps are more than its discriminator_steps"
            )
        return files_of_entries(first_drawing_of, file)(wildcards)[0]

    return of_first


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
    """The training that scores a user's images: a paper's reference, of its first seed.

    Of several papers', that whose method stands first among SCORERS.
    """
    if not config["images"]:
        sys.exit("Error: score_images: no images are given\nHint: add --config images=FOLDER")
    references = [
        (paper, entry)
        for paper in config["papers"]
        for entry in first_of_each(compared_scorers_of(paper))
        if entry["experiment"] == reference_scorer(paper)
    ]
    if not references:
        sys.exit(
            "Error: score_images: no paper of this run trains a model that scores images\n"
            "Hint: add two_in_one or intergalactic_vae_cnn"
        )
    return min(references, key=lambda found: SCORERS.index(EXPERIMENTS[found[0]][found[1]["experiment"]]["method"]))


def images_to_score(wildcards):
    """Folder of a user's images; a function, as Snakemake would read braces in a text as wildcards."""
    return config["images"]


def scoring_model(wildcards):
    """The model that scores a user's images; an error before any job starts if there are none."""
    paper, entry = scorer_of_images()
    if workflow.exec_mode == ExecMode.DEFAULT:
        try:
            folder = list_images(Path(images_to_score(wildcards)).expanduser(), (".png",))
            name_of_folder(images_to_score(wildcards))
        except (PipelineError, OSError) as error:
            sys.exit(f"Error: images: {error}")
        if not folder.names:
            sys.exit(f"Error: images: none of {len(folder.bad)} files can be scored, such as {folder.bad[0]}")
    return f"{RESULTS}/{paper}/{entry['experiment']}/seed{entry['seed']}/{model_file(paper, entry['experiment'])}"


def scores_of_images(wildcards):
    """Table of the scores of a user's images, in a folder that the model's training has made."""
    return f"{RESULTS}/{scorer_of_images()[0]}/scores_of_{name_of_folder(images_to_score(wildcards))}.csv"


def frame_of_scored(wildcards):
    return config["data"][dataset_of_paper(scorer_of_images()[0])].get("frame")


def score_figures(paper, table=""):
    """Short name -> file of what shows the scorers of a paper and the images of its generators; `table` is a number."""
    figures = {table.rstrip("_") or "mae": f"{table}mae.csv"} if reference_scorer(paper) else {}
    names = dict.fromkeys(entry["experiment"] for entry in compared_scorers_of(paper))
    figures |= {f"query_pred_{name}": f"query_pred_{name}.csv" for name in names}
    if scorers_of(paper, "two_in_one"):
        figures["curves"] = "training_curves.png"
    if regressions_of(paper):
        figures |= {"scorer_curves": "scorer_curves.png", "first_predictions": "first_predictions.csv"}
    if "generation" in config["papers"][paper] and drawing_of(paper):
        shown = ("fig4", "fig5") if table else ("best", "second_best")
        figures |= {name: f"{name}_generated.png" for name in shown}
        figures |= {"drawn": "drawn_images.png", "generated_scores": "generated_scores.csv"}
        figures |= {"diversity": "diversity.csv"}
    return figures


def reference_scorer(paper):
    """The scorer that others are compared with: the first of the networks in the table, or the first of all."""
    entries = compared_scorers_of(paper)
    networks = [entry for entry in entries if EXPERIMENTS[paper][entry["experiment"]]["method"] in NETWORKS]
    return next((entry["experiment"] for entry in [*networks, *entries]), None)

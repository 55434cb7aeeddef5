"""Input functions about classifiers of several classes and the generators that they judge. Makes nothing itself."""

UNJUDGED_SAMPLES = 64  # images of a generator without labels that no judge asks for: a sheet of samples
JUDGED_PAPERS = "|".join(paper for paper in config["papers"] if "judgement" in config["papers"][paper]) or "(?!)"


# Classifiers of several classes


def classifier_study(paper):
    """The study whose classifiers a paper shows: that of the judge of its generators, or the paper itself."""
    return (config["papers"][paper].get("judgement") or {}).get("paper", paper)


def classifiers_of(paper):
    """Classifiers of several classes that a study trains times its seeds, for tables."""
    names = [name for name in included(paper) if EXPERIMENTS[paper][name]["method"] == "multiclass_classification"]
    return trainings(paper, names, "reported_as")


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


# The judgement of generators


def samples_of_generator(wildcards):
    """How many images a generator without labels makes; none for one with labels, which decide it."""
    if experiment_of(wildcards)["method"] in GENERATOR_METHODS:
        return None
    judgement, fields = (paper_of(wildcards).get(key) for key in ("judgement", "generated_fields"))
    if judgement:
        return judgement["samples"] * judgement["repeats"]
    return fields["samples"] if fields else UNJUDGED_SAMPLES


def judgement_of(key):
    return lambda wildcards: paper_of(wildcards)["judgement"][key]


def judged_generators(paper):
    """Generators of a paper, with labels and without: those that its judgement names, or all."""
    named = (config["papers"][paper].get("judgement") or {}).get("generators") or included(paper)
    return [name for name in named if EXPERIMENTS[paper][name]["method"] in GENERATORS]


def judged(paper):
    """Judged generators of a paper times the seeds."""
    return trainings(paper, judged_generators(paper))


def first_judged(paper):
    """Each generator of a paper with its first seed."""
    return first_of_each(judged(paper))


def judged_trainings(wildcards):
    return judged(wildcards.paper)


def first_judged_trainings(wildcards):
    return first_judged(wildcards.paper)


def of_judged(file):
    """Function that gives a file of each generator of a paper, in the order of `judged`."""
    return lambda wildcards: [
        f"{RESULTS}/{wildcards.paper}/{m['experiment']}/seed{m['seed']}/{file}" for m in judged(wildcards.paper)
    ]


def of_first_judged(file):
    """Function that gives a file of the first seed of each generator, in the order of `first_judged`."""
    return lambda wildcards: [
        f"{RESULTS}/{wildcards.paper}/{m['experiment']}/seed{m['seed']}/{file}" for m in first_judged(wildcards.paper)
    ]


def view_of_judged(wildcards):
    return view_of(wildcards.paper, judged_generators(wildcards.paper)[0])


def sets_of_judged(wildcards):
    """Sets of the split that the generators of a paper are trained on, the same for all."""
    return EXPERIMENTS[wildcards.paper][judged_generators(wildcards.paper)[0]]["train_on"]


def judge_models(wildcards):
    """All trainings of the classifier that judges the generators of a paper, the first seed first."""
    judge = paper_of(wildcards)["judgement"]
    paper, experiment = judge["paper"], judge["experiment"]
    return [f"{RESULTS}/{paper}/{experiment}/seed{seed}/model.pt" for seed in seeds_of(paper)]


def judge_code(wildcards):
    """Digest of the code that judges: the script, the classifier's method and its architecture."""
    judge = paper_of(wildcards)["judgement"]
    return digest_of("judge.py", *sorted(modules_of(EXPERIMENTS[judge["paper"]][judge["experiment"]])))


def notes_of_judgement(wildcards):
    """How generators, judge and their comparison differ from the published, as texts; what all share is said once."""
    paper = wildcards.paper
    own = notes_of(judged(paper))
    judge = config["papers"][paper]["judgement"]
    of_judge = changes(judge["paper"], judge["experiment"])
    of_judge = [text for text in of_judge if text not in own]
    return [*own, *changes_of_judgement(paper), *([f"judge: {', '.join(of_judge)}"] if of_judge else [])]


def changes_of_judgement(paper):
    """How many images are judged and how many are published, as texts; none where nothing is published."""
    if "judgement" not in PUBLISHED.get(paper, {}):
        return []
    ours, published = (settings[paper]["judgement"] for settings in (config["papers"], PUBLISHED))
    return differences(*({key: judgement[key] for key in ("samples", "repeats")} for judgement in (ours, published)))


def label_of_generator(wildcards):
    return experiment_of(wildcards).get("label", wildcards.experiment)


def changes_of_experiment(wildcards):
    return changes(wildcards.paper, wildcards.experiment)


def provenance_of_wildcard(wildcards):
    return provenance_of(wildcards.paper)


def first_seed_of_generator(wildcards):
    """Images of the first training of a generator."""
    return f"{RESULTS}/{wildcards.paper}/{wildcards.experiment}/seed{seeds_of(wildcards.paper)[0]}/generated.h5"


def histories_of_generator(wildcards):
    folder = f"{RESULTS}/{wildcards.paper}/{wildcards.experiment}"
    return [f"{folder}/seed{seed}/history.csv" for seed in seeds_of(wildcards.paper)]


def judgement_figures(paper, balance="", neighbours=""):
    """Short name -> file of what shows a paper's judged generators; `balance` and `neighbours` are numbers like `fig3_`."""
    if "judgement" not in config["papers"][paper]:
        return {}
    names = judged_generators(paper)
    unlabelled = [name for name in names if EXPERIMENTS[paper][name]["method"] not in GENERATOR_METHODS]
    return {
        balance.rstrip("_") or "mode_balance": f"{balance}mode_balance.png",
        neighbours.rstrip("_") or "nearest_neighbours": f"{neighbours}nearest_neighbours.png",
        "neighbour_distances": f"{neighbours}nn_distances.png",
        "judgement": "judgement.png",
        **{f"samples_{name}": f"samples_{name}.png" for name in names},
        **{f"progress_{name}": f"progress_{name}.png" for name in unlabelled},
        **{f"curves_{name}": f"curves_{name}.png" for name in names},
    }


# The cost of a step


def compares_steps(paper):
    """Whether the run trains both experiments whose steps are compared."""
    compared = config["papers"][paper].get("step_cost")
    return bool(compared) and {compared["reference"], compared["model"]} <= set(included(paper))


def step_cost_table(paper):
    """Short name -> table of what a step costs."""
    return {"step_cost": "step_cost.csv"} if compares_steps(paper) else {}


def step_cost_of(key):
    return lambda wildcards: config["papers"][wildcards.paper]["step_cost"][key]


def compared_steps(wildcards):
    """Settings of the experiments whose steps are compared: the reference, the model."""
    names = [step_cost_of("reference")(wildcards), step_cost_of("model")(wildcards)]
    return {name: without_labels(EXPERIMENTS[wildcards.paper][name]) for name in names}


def images_of_steps(key):
    """Function for the size or the number of channels of the images of a step."""

    def value(wildcards):
        dataset = config["data"][dataset_of_paper(wildcards.paper)]
        view = EXPERIMENTS[wildcards.paper][step_cost_of("model")(wildcards)]["view"]
        channels, size, _ = named_module(f"datasets.{dataset['layout']}", "images").projection(view, dataset).shape
        return {"size": size, "channels": channels}[key]

    return value


def step_cost_code(wildcards):
    """Code that a step of what is compared runs."""
    modules = sorted(set().union(*map(modules_of, compared_steps(wildcards).values())))
    return digest_of("measure_step_cost.py", "galaxies.step_cost:print_peak_memory", *modules)


COMPARED_PAPERS = "|".join(filter(compares_steps, config["papers"])) or "(?!)"

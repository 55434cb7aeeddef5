"""Configuration, paths and input functions that the rules share. Makes nothing itself."""

import functools
import os
import re
import signal
import sys
from pathlib import Path

WORKFLOW = Path(workflow.current_basedir).parent
SCRIPTS = WORKFLOW / "scripts"
PUBLISHED_EXPERIMENTS = WORKFLOW.parent / "config" / "experiments"
SCHEMA = WORKFLOW / "schemas" / "config.schema.yaml"
sys.path.insert(0, str(SCRIPTS))

import yaml
from galaxies import controller
from galaxies.augmentation_study import GENERATOR_METHODS, expanded, generator_of, grid, saw_validation
from galaxies.code_digest import code_digest
from galaxies.config import label_differences, load_yaml, merged_config, published_config, published_frame
from galaxies.data.shards import count_rows, count_shards
from galaxies.errors import PipelineError
from galaxies.experiments import describe, differences, experiments_of
from galaxies.files import write_text
from galaxies.judgement import GENERATORS
from galaxies.registry import has_module, named_module
from galaxies.reported import read_rows
from galaxies.scorers import BASELINES
from galaxies.starts import note_start
from galaxies.views import PATTERN, parse_view
from snakemake.persistence import PersistenceBase
from snakemake_interface_executor_plugins.settings import ExecMode

try:
    if workflow.exec_mode == ExecMode.DEFAULT:  # jobs need not check again what the Snakemake that started them has
        for file in map(Path, workflow.configfiles):
            if file.suffix in (".yaml", ".yml"):
                load_yaml(file)  # Snakemake takes the last of two keys and says nothing
    config = merged_config(config, PUBLISHED_EXPERIMENTS, SCHEMA)
except PipelineError as error:
    sys.exit(f"Error: {error}")  # the message alone; Snakemake would wrap it in a traceback

# Slurm warns all processes of a job that its time is nearly over. Trainings act on it; Snakemake, above them, must live on.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)

# Outputs are marked as incomplete until the Snakemake that started the job has recorded how they were made. Inside the job
# another Snakemake would lift the mark; if the first had died, outputs would then pass for good whose settings nobody knows.
if workflow.exec_mode != ExecMode.DEFAULT:

    async def leave_the_mark(persistence, job):
        pass

    PersistenceBase.finished = leave_the_mark

RESULTS = f"results/{config['run']}"
EXPERIMENTS = {paper: expanded(settings) for paper, settings in config["papers"].items()}  # paper -> name -> settings
REPORTED = os.path.relpath(WORKFLOW.parent / "config" / "reported.csv")
try:
    REPORTED_PAPERS = {row["paper"] for row in read_rows(Path(REPORTED))}
except PipelineError as error:
    sys.exit(f"Error: {error}")
REPORTED_PAPERS.add("morphology_classifier")  # its values stand with morpho_gan, which cites them
PUBLISHED = {
    paper: published_config(paper, PUBLISHED_EXPERIMENTS, SCHEMA) for paper in REPORTED_PAPERS & set(config["papers"])
}
GPUS = 0 if config["compute"]["device"] == "cpu" else 1  # of each job that uses torch
TARGETS = {}  # paper, or `summary` -> {short name: file below its results}; each paper's rules add theirs
RECORDS = {"provenance": "provenance.json", "cost": "cost.png", "cost_per_figure": "cost_per_figure.csv"}  # of the run
STARTS = f"{RESULTS}/starts.json"


wildcard_constraints:
    dataset="|".join(config["data"]),
    paper="|".join(config["papers"]),
    experiment="[a-z][a-z0-9_]*",
    number="(fig[0-9]+_)?",
    seed="[0-9]+",
    view=PATTERN,


def describe_start():
    """Write the merged configuration of the run beside its results, and note with what Snakemake was started."""
    try:
        kept = {key: value for key, value in config.items() if key != "images"}  # which is no part of the run
        write_text(Path(RESULTS) / "config.yaml", yaml.safe_dump(kept, sort_keys=False))
        note_start(Path(STARTS), WORKFLOW.parent)
    except PipelineError as error:
        sys.exit(f"Error: {error}")
    except OSError as error:
        sys.exit(f"Error: {error.filename}: {error.strerror}")


def begin():
    """Be the one Snakemake that works in this folder, beside no jobs of an earlier one."""
    global FOLDER_LOCK  # held until this process ends
    here = Path(workflow.workdir_init)
    try:
        FOLDER_LOCK = controller.own_folder(here)
        if workflow.executor_plugin.name == "slurm":
            resources = workflow.resource_settings.overwrite_resources
            controller.check_resources(resources, {rule.name for rule in workflow.rules})
        if workflow.executor_plugin.name == "slurm" or controller.has_submitted(here):
            controller.refuse_orphans(here)
    except PipelineError as error:
        sys.exit(f"Error: {error}")


def short_targets():
    """Short name -> files: a whole paper, or the summary of the run, and each of its figures and tables."""
    names = {}
    for paper, files in {**TARGETS, "summary": TARGETS["summary"] | RECORDS}.items():
        paths = {name: f"{RESULTS}/{paper}/{file}" for name, file in files.items()}
        names[paper] = list(paths.values())
        names.update({f"{paper}_{name}": path for name, path in paths.items()})
    return names


def all_targets(wildcards):
    """Every figure and table of the run, the record of how they were made, and the page on them all."""
    return [*result_targets(wildcards), *record_files(), f"{RESULTS}/ro-crate-metadata.json", f"{RESULTS}/README.md"]


def record_files():
    """How the run was made and what it cost."""
    return [f"{RESULTS}/summary/{file}" for file in RECORDS.values()]


def result_targets(wildcards):
    """Every figure and table of every paper and of the summary, and what the run says of the data."""
    return [file for files in targets_by_paper(wildcards).values() for file in files.values()]


def targets_by_paper(wildcards):
    """Paper -> short name -> file, for every figure and table; `data` and `summary` have those of no single paper."""
    data = {os.path.relpath(file, f"{RESULTS}/data"): file for file in data_targets(wildcards)}
    papers = {
        paper: {name: f"{RESULTS}/{paper}/{file}" for name, file in files.items()} for paper, files in TARGETS.items()
    }
    return {"data": data, **papers}


def growing(amount):
    """Resource of which each further attempt gets as much more as the first had."""
    return lambda wildcards, attempt: amount * attempt


@functools.cache  # many jobs execute the same
def digest_of(script, *also):
    """Digest of the code that a script executes: the rule reruns when it changes.

    Inside a job of a cluster only a training reads it, and compares it with that of the state which it finds.
    """
    wanted = workflow.exec_mode == ExecMode.DEFAULT or script == "train.py"
    return code_digest(SCRIPTS / script, *also) if wanted else ""


def code_of(script):
    """Function that gives the digest of a script's code once a job needs it, which most rules of a Slurm job do not."""
    return lambda wildcards: digest_of(script)


def dataset_of(wildcards):
    return config["data"][wildcards.dataset]


def paper_of(wildcards):
    return config["papers"][wildcards.paper]


def experiment_of(wildcards):
    experiments = EXPERIMENTS[wildcards.paper]
    if wildcards.experiment not in experiments:
        sys.exit(
            f"Error: {wildcards.paper} has no experiment {wildcards.experiment!r}; it has: {', '.join(experiments)}"
        )
    return experiments[wildcards.experiment]


def experiment_code(script):
    """Digest of a script's code together with the methods and the architectures that the experiment names."""

    def digest(wildcards):
        settings = experiment_of(wildcards)
        modules = modules_of(settings)
        if settings.get("generator"):
            modules |= modules_of(EXPERIMENTS[wildcards.paper][settings["generator"]])
        return digest_of(script, *sorted(modules))

    return digest


def modules_of(settings):
    """Modules of the method and of the architectures of an experiment."""
    if not settings.keys() & {"network", "networks"}:
        sys.exit(
            f"Error: method {settings['method']} trains no network\nHint: ask for its model.skops or predictions.csv"
        )
    networks = settings.get("networks") or {"network": settings["network"]}
    architectures = {f"galaxies.models.{network['architecture']}" for network in networks.values()}
    return {f"galaxies.methods.{settings['method']}", *architectures}


def training_settings(wildcards):
    """Settings of an experiment that a training reads."""
    return without_labels(experiment_of(wildcards))


def without_labels(settings):
    """Settings of an experiment without what names it alone."""
    return settings and {key: value for key, value in settings.items() if key not in ("reported_as", "label")}


def compute_settings(wildcards, threads):
    """What a training needs to know of the machine. Taking `threads` keeps Snakemake from rerunning jobs for it."""
    return {key: value for key, value in config["compute"].items() if key != "threads"}


# Data sets


def dataset_code(script, *names):
    """Digest of a script's code together with what it takes from the package of the data set: `module:function`."""

    def digest(wildcards):
        return digest_of(script, *(f"galaxies.datasets.{dataset_of(wildcards)['layout']}.{name}" for name in names))

    return digest


def folder_of(dataset):
    """Folder with the files of a data set in their published layout."""
    settings = config["data"][dataset]
    owner = settings["same_files_as"] or dataset
    folders = {"simulated": f"{RESULTS}/data/{owner}/simulated", "download": f"resources/{settings['layout']}"}
    return folders.get(settings["source"], settings["path"])


def dataset_folder(wildcards):
    return folder_of(wildcards.dataset)


def files_of(dataset):
    """Files that a data set is read from; an error before any job starts if they must be there and are not."""
    source, layout, folder = config["data"][dataset]["source"], config["data"][dataset]["layout"], folder_of(dataset)
    if source == "simulated":
        return [folder]
    files = named_module(f"datasets.{layout}", "files")
    if source == "download":
        return [f"{folder}/{name}" for name in files.DOWNLOADS]
    try:
        return [str(path) for path in files.find(Path(folder), settings_of(dataset)).values()]
    except (PipelineError, OSError) as error:
        sys.exit(f"Error: data.{dataset}: {error}")


def dataset_files(wildcards):
    return files_of(wildcards.dataset)


def settings_of(dataset):
    """What the readers of a data set take from the configuration."""
    general = ("layout", "source", "path", "same_files_as", "unmatched", "views", "shard_images", "simulate")
    return {key: value for key, value in config["data"][dataset].items() if key not in general}


def reader_settings(wildcards):
    return settings_of(wildcards.dataset)


def views_of(dataset):
    """Names of the views of a data set that the run needs: those it names, and those of its experiments."""
    papers = [paper for paper, settings in config["papers"].items() if settings["dataset"] == dataset]
    used = [view_name(paper, name) for paper in papers for name in trained(paper)]
    return sorted({*config["data"][dataset]["views"], *used})


def views_of_dataset_files(wildcards):
    return [f"{RESULTS}/data/{wildcards.dataset}/{view}.h5" for view in views_of(wildcards.dataset)]


def shards_of_view(wildcards):
    """Parts of a view that jobs of their own pack; none for a data set of moderate size."""
    catalogue = checkpoints.prepare_catalogue.get(dataset=wildcards.dataset).output.catalogue
    number = count_shards(count_rows(Path(catalogue)), dataset_of(wildcards)["shard_images"])
    folder = f"{RESULTS}/data/{wildcards.dataset}/shards/{wildcards.view}"
    return [f"{folder}/{shard}of{number}.h5" for shard in range(1, number + 1)] if number > 1 else []


def shard_number(wildcards):
    return [int(wildcards.shard), int(wildcards.shards)]


def data_targets(wildcards):
    """Catalogue, views and card of every data set of the run."""
    names = {d: ["catalogue.csv", "card.json", "card.png", *(f"{v}.h5" for v in views_of(d))] for d in config["data"]}
    return [f"{RESULTS}/data/{dataset}/{name}" for dataset, files in names.items() for name in files]


def catalogue_of_paper(wildcards):
    return f"{RESULTS}/data/{paper_of(wildcards)['dataset']}/catalogue.csv"


def dataset_of_paper(paper):
    return config["papers"][paper]["dataset"]


def files_of_paper(paper):
    return lambda wildcards: files_of(dataset_of_paper(paper))


def provenance_of(paper):
    return f"{RESULTS}/data/{config['papers'][paper]['dataset']}/provenance.json"


# Training


def view_name(paper, experiment):
    """Name of the view of an experiment; one that takes scores from a discriminator has its view."""
    settings = EXPERIMENTS[paper][experiment]
    return settings["view"] if "view" in settings else view_name(paper, settings["discriminator"])


def view_of(paper, experiment):
    return f"{RESULTS}/data/{dataset_of_paper(paper)}/{view_name(paper, experiment)}.h5"


def view_of_experiment(wildcards):
    experiment_of(wildcards)
    return view_of(wildcards.paper, wildcards.experiment)


def pretrained_weights(wildcards):
    """File with the published weights that an experiment starts from, or none."""
    return weights_of(experiment_of(wildcards))


def all_pretrained_weights(wildcards):
    """Files with published weights that the trainings of the run start from."""
    settings = [EXPERIMENTS[paper][name] for paper in config["papers"] for name in trained(paper)]
    return sorted({file for experiment in settings for file in [weights_of(experiment)] if file})


def weights_of(experiment):
    network = experiment.get("network", {})
    if network.get("architecture") != "resnet50" or network["pretrained"] == "none":
        return []
    return network["weights"] or "resources/imagenet/resnet50-0676ba61.pth"


def model_of(key):
    """Function that gives the model of the training, of the same seed, that an experiment names as `key`, or none."""

    def model(wildcards):
        name = experiment_of(wildcards).get(key)
        return f"{RESULTS}/{wildcards.paper}/{name}/seed{wildcards.seed}/model.pt" if name else []

    return model


def seeds_of(paper):
    return config["papers"][paper]["seeds"] or config["seeds"]


def trained(paper):
    """Names of the experiments of a paper that this run trains, save those that they build on."""
    return [*included(paper), *(entry["experiment"] for entry in grid_of(paper))]


def checkpoint_folder(wildcards):
    """Not an output, because Snakemake deletes the outputs of jobs that fail."""
    return f"{RESULTS}/checkpoints/{wildcards.paper}/{wildcards.experiment}/seed{wildcards.seed}"


def of_trainings(paper, file):
    """Files of all trainings of a paper: its included experiments times the seeds, in the order of `trainings_of`."""
    return [f"{RESULTS}/{paper}/{t['experiment']}/seed{t['seed']}/{file}" for t in trainings_of(paper)]


def trainings_of(paper):
    """What each training of a paper is, for tables."""
    settings = config["papers"][paper]
    return [
        {
            "experiment": experiment,
            "seed": seed,
            "description": describe(settings["experiments"][experiment]),
            "reported_as": settings["experiments"][experiment]["reported_as"],
            "differences": changes(paper, experiment),
        }
        for experiment in settings["include"]
        for seed in seeds_of(paper)
    ]


def trainings(paper, names, *keys):
    """What each training of some experiments is, for tables and figures; `keys` are settings that are named besides."""
    known = EXPERIMENTS[paper]
    return [
        {
            "experiment": name,
            "label": known[name].get("label", name),
            "seed": seed,
            **{key: known[name].get(key) for key in keys},
            "differences": changes(paper, name),
        }
        for name in names
        for seed in seeds_of(paper)
    ]


def first_of_each(entries):
    """The first seed of each experiment."""
    return list({entry["experiment"]: entry for entry in reversed(entries)}.values())[::-1]


def files_of_entries(entries, file):
    """Function that gives a file of each of the trainings that `entries`, a function of the paper, names."""
    return lambda wildcards: [
        f"{RESULTS}/{wildcards.paper}/{entry['experiment']}/seed{entry['seed']}/{file}"
        for entry in entries(wildcards.paper)
    ]


def entries_of(entries):
    return lambda wildcards: entries(wildcards.paper)


def notes_of_entries(entries):
    """Function that gives `notes_of` the trainings that `entries`, a function of the paper, names."""
    return lambda wildcards: notes_of(entries(wildcards.paper))


def notes_of(entries):
    """How trainings that one figure shows differ from the published, as texts; what all share is said once."""
    by_label = {entry["label"]: entry["differences"] for entry in first_of_each(entries)}
    shared = [text for text in next(iter(by_label.values())) if all(text in texts for texts in by_label.values())]
    others = {label: [text for text in texts if text not in shared] for label, texts in by_label.items()}
    return [*shared, *(f"{label}: {', '.join(texts)}" for label, texts in others.items() if texts)]


def model_file(paper, name):
    """Name of the file of a trained experiment."""
    return "model.skops" if EXPERIMENTS[paper][name]["method"] in BASELINES else "model.pt"


# The augmentation experiment, and the generators


def study_of(paper):
    """The augmentation experiment of a paper, for scripts: its question, and what each arm is."""
    study = config["papers"][paper]["augmentation"]
    arms = [
        {
            "arm": name,
            **{key: arm[key] for key in ("label", "reported_as", "real_images")},
            "generator": generator_of(study, name),
            "generator_trained_on": EXPERIMENTS[paper].get(generator_of(study, name), {}).get("train_on", []),
            "leaked": saw_validation(study, EXPERIMENTS[paper], name),
            "sizes": arm["sizes"] or study["sizes"],
        }
        for name, arm in study["arms"].items()
    ]
    sets = {key: study["classifier"][key] for key in ("train_on", "validate_on")}
    return {**{key: study[key] for key in ("target", "baseline", "question")}, **sets, "arms": arms}


def grid_of(paper):
    """Every training of the augmentation experiment: its experiment, arm, size and seed; none if a paper has no such."""
    study = config["papers"][paper].get("augmentation")
    entries = grid(study) if study else []
    return [{**entry, "seed": seed} for entry in entries for seed in seeds_of(paper)]


def grid_files(paper, file):
    """Files of all trainings of the augmentation experiment, in the order of `grid_of`."""
    return [f"{RESULTS}/{paper}/{entry['experiment']}/seed{entry['seed']}/{file}" for entry in grid_of(paper)]


def classifier_files(file):
    return lambda wildcards: grid_files(wildcards.paper, file)


def classifier_view(wildcards):
    return view_of(wildcards.paper, grid_of(wildcards.paper)[0]["experiment"])


def classifiers(wildcards):
    return grid_of(wildcards.paper)


def study(wildcards):
    return study_of(wildcards.paper)


def notes_of_arms(wildcards):
    """Per arm, how its settings differ from the published ones."""
    arms = [arm["arm"] for arm in study_of(wildcards.paper)["arms"]]
    return {arm: changes(wildcards.paper, arm) for arm in arms}


def changes_of_arm(paper, arm):
    """`changes` of an arm that the run may have taken away."""
    return changes(paper, arm) if has_whole_arm(paper, arm) else []


def figures_of(paper):
    """File with the targets and the own figures of a paper; a study without one has those that all can have."""
    own = WORKFLOW / "rules" / f"figures_{paper}.smk"
    return str(own if own.exists() else WORKFLOW / "rules" / "figures_study.smk")


def generator_figures(paper, images="", scaling=""):
    """Short name -> file of what shows a paper's generators; `images` and `scaling` are numbers such as `fig2_`."""
    if not generators_of(paper):
        return {}
    figures = {
        images.rstrip("_") or "real_vs_gan": f"{images}real_vs_gan.png",
        "generators": "generators.png",
        "generators_table": "generators.csv",
    }
    if has_module(f"datasets.{config['data'][dataset_of_paper(paper)]['layout']}", "photometry"):
        figures[scaling.rstrip("_") or "conditional_scaling"] = f"{scaling}conditional_scaling.png"
        figures["fidelity"] = f"{scaling}predictor_errors.csv"
        figures["correlations"] = f"{scaling}flux_correlations.csv"
    return figures


def has_whole_arm(paper, arm):
    """Whether the augmentation experiment has an arm with all real images."""
    return any(entry["arm"] == arm and entry["size"] == "all" for entry in grid_of(paper))


def changes_of_study(wildcards):
    """How what all arms have in common differs from the published, as texts; none for a study of this project."""
    paper = wildcards.paper
    if paper not in REPORTED_PAPERS:
        return []
    ours, published = (settings[paper]["augmentation"]["classifier"] for settings in (config["papers"], PUBLISHED))
    return [*differences(ours, published), *changes_of_data(paper)]


def augmentation_figures(paper):
    """Short name -> file of the tables and figures of the augmentation experiment."""
    if not grid_of(paper):
        return {}
    figures = ("learning_curves", "effects", "data_efficiency", "calibration")
    return {
        "summary": "summary_metrics.csv",
        "table": "augmentation_table.md",
        "answer": "augmentation_answer.md",
        **{name: f"augmentation_{name}.png" for name in figures},
    }


def generators_of(paper):
    """Conditional generators that are compared with one another."""
    return [name for name in included(paper) if EXPERIMENTS[paper][name]["method"] in GENERATOR_METHODS]


def generators_by_seed(paper):
    """Conditional generators of a paper times the seeds."""
    return trainings(paper, generators_of(paper))


def generated_files(wildcards):
    """Images of all generators of a paper, in the order of `generators_by_seed`."""
    members = generators_by_seed(wildcards.paper)
    return [f"{RESULTS}/{wildcards.paper}/{m['experiment']}/seed{m['seed']}/generated.h5" for m in members]


def first_seeds(paper):
    """Each generator of a paper with its first seed."""
    return first_of_each(generators_by_seed(paper))


def first_generated(wildcards):
    """Images of the first seed of each generator, in the order of `first_seeds`."""
    members = first_seeds(wildcards.paper)
    return [f"{RESULTS}/{wildcards.paper}/{m['experiment']}/seed{m['seed']}/generated.h5" for m in members]


def shown_generated(wildcards):
    """Images of the generator that the figures show."""
    return first_generated(wildcards)[0]


def shown_generator(key):
    """Function that gives `key` of the generator whose images the figures show, the first of the paper."""
    return lambda wildcards: first_seeds(wildcards.paper)[0][key]


def view_of_generators(wildcards):
    return view_of(wildcards.paper, generators_of(wildcards.paper)[0])


def photometry_code(script):
    """Digest of a script's code together with the photometry of the paper's data set."""
    return lambda wildcards: digest_of(script, f"galaxies.datasets.{layout_of_paper(wildcards)}.photometry")


def generators_by_seed_of(wildcards):
    return generators_by_seed(wildcards.paper)


def first_seeds_of(wildcards):
    return first_seeds(wildcards.paper)


def example_conditions(wildcards):
    return paper_of(wildcards)["example_conditions"]


def layout_of_paper(wildcards):
    return config["data"][paper_of(wildcards)["dataset"]]["layout"]


# Figures


def changes(paper, experiment):
    """How an experiment of this run, and the generator or discriminator that it uses, differ from the published ones.

    As texts; none where nothing is published: a study of this project. Of experiments that are not in the paper, the
    published settings are those of config/experiments.
    """
    if paper not in REPORTED_PAPERS:
        return []
    references = expanded(PUBLISHED[paper])
    texts = [] if is_in_paper(paper, experiment) else ["not in the paper"]
    if experiment in references:
        settings, reference = (without_labels(known[experiment]) for known in (EXPERIMENTS[paper], references))
        texts += differences(settings, reference)
        for key in ("generator", "discriminator"):
            used = [without_labels(known.get(settings.get(key), {})) for known in (EXPERIMENTS[paper], references)]
            texts += [f"{key}'s {text}" for text in differences(*used)]
    return [*texts, *changes_of_data(paper)]


def experiments_beside_published(wildcards):
    """Paper -> experiment -> its settings, and how they differ from the published ones."""
    return {
        paper: {
            name: {"settings": settings, "differences": changes(paper, name)} for name, settings in experiments.items()
        }
        for paper, experiments in EXPERIMENTS.items()
    }


def changes_of_data(paper):
    """How the data, the split and the precision of a paper differ from the published, as texts."""
    ours, published = config["papers"][paper], PUBLISHED[paper]
    return [
        *differences({"split": ours["split"]}, {"split": published["split"]}),
        *changes_of_images(paper),
        *differences({"precision": config["compute"]["precision"]}, {"precision": "float32"}),
    ]


def changes_of_images(paper):
    """How the images and labels of a paper differ from the published, as texts."""
    names = config["papers"][paper]["dataset"], PUBLISHED[paper]["dataset"]
    data = config["data"][names[0]]
    partial = any(table["kind"] == "five_classes" for table in data.get("labels", []))  # not all galaxies have a class
    standard = {"frame": published_frame(data["layout"], SCHEMA), "unmatched": "drop" if partial else "error"}
    return [
        *(differences({"data": names[0]}, {"data": names[1]}) if data["layout"] != names[1] else []),
        *differences({key: data.get(key) for key in standard}, standard),
        *label_differences(data, names[1], SCHEMA),
    ]


def is_in_paper(paper, experiment):
    """Whether the paper has an experiment or arm, in its text or in the authors' code."""
    return experiment in experiments_of(PUBLISHED[paper]) and experiment not in config["papers"][paper]["not_in_paper"]


def differences_of(paper):
    return lambda wildcards: changes(paper, wildcards.experiment)


def title_of(paper):
    return lambda wildcards: (
        f"{wildcards.experiment}: {describe(config['papers'][paper]['experiments'][wildcards.experiment])}"
    )


def histories_of(paper):
    return lambda wildcards: [
        f"{RESULTS}/{paper}/{wildcards.experiment}/seed{seed}/history.csv" for seed in seeds_of(paper)
    ]


def included(paper):
    """Experiments of a paper that this run trains."""
    return config["papers"][paper]["include"]


def curve_figures(paper):
    """Short name -> file of the learning curves: figures 4 to 7 are the paper's four approaches."""
    numbered = {f"approach{n}": f"fig{n + 3}" for n in range(1, 5)}
    files = {experiment: f"{numbered.get(experiment, 'curves')}_{experiment}" for experiment in included(paper)}
    return {numbered.get(experiment, name): f"{name}.png" for experiment, name in files.items()}

"""Input functions about generated star fields and the autoencoders among their generators. Makes nothing itself."""

from galaxies.generated_fields import (
    AUTOENCODERS,
    FIELD_GENERATORS,
    SAME_PIXELS,
    SAME_TRAINING,
    comparable,
    first_good,
)
from galaxies.judgement import UNLABELLED_GENERATORS


def field_generators(paper, methods=FIELD_GENERATORS):
    """Generators of a paper whose star fields are compared with real ones; none if the run does not ask for it."""
    names = included(paper) if config["papers"][paper].get("generated_fields") else []
    return [name for name in names if EXPERIMENTS[paper][name]["method"] in methods]


FIELD_PAPERS = "|".join(paper for paper in config["papers"] if field_generators(paper)) or "(?!)"
CODED_PAPERS = "|".join(paper for paper in config["papers"] if field_generators(paper, AUTOENCODERS)) or "(?!)"


def fields_by_seed(paper, names=None):
    """What each training of the generators `names`, or of all, is, for tables and figures."""
    return trainings(paper, field_generators(paper) if names is None else names, "view", "reported_as")


def autoencoders_by_seed(paper):
    """Of `fields_by_seed` the autoencoders, and in what their bounds can be compared with those of the first."""
    known = EXPERIMENTS[paper]
    first = known[first_good(config["papers"][paper])]
    return [
        {
            **entry,
            "same_pixels": comparable(first, known[entry["experiment"]], SAME_PIXELS),
            "same_training": comparable(first, known[entry["experiment"]], (*SAME_PIXELS, *SAME_TRAINING)),
        }
        for entry in fields_by_seed(paper, field_generators(paper, AUTOENCODERS))
    ]


def alike_by_seed(paper):
    """Of `autoencoders_by_seed` those with the same held-out images and pixels as the first, which leads."""
    first = first_good(config["papers"][paper])
    alike = [entry for entry in autoencoders_by_seed(paper) if entry["same_pixels"]]
    return sorted(alike, key=lambda entry: entry["experiment"] != first)


def first_alike(paper):
    """The first seed of each autoencoder of `alike_by_seed`."""
    return first_of_each(alike_by_seed(paper))


def first_autoencoder(paper):
    return first_good(config["papers"][paper])


def notes_of_alike(wildcards):
    return notes_of(alike_by_seed(wildcards.paper))


def reference_autoencoder(wildcards):
    return first_autoencoder(wildcards.paper)


def of_first_autoencoder(key):
    return lambda wildcards: first_alike(wildcards.paper)[0][key]


def examined_first(wildcards):
    return files_of_entries(first_alike, "examined.h5")(wildcards)[0]


def first_fields(experiments, file):
    """Function that gives a file of the first seed of each of the experiments, a function of the paper."""
    return lambda wildcards: [
        f"{RESULTS}/{wildcards.paper}/{name}/seed{seeds_of(wildcards.paper)[0]}/{file}"
        for name in experiments(wildcards.paper)
    ]


def shown_autoencoders(paper):
    """The first autoencoder, and those that the paper found poor."""
    poor, first = config["papers"][paper]["generated_fields"]["poor"], first_autoencoder(paper)
    return [first, *(name for name in included(paper) if name in poor and name != first)]


def sampled(kind):
    """Function of the paper for the generators of a figure: the first autoencoder, all that are shown, or the GANs."""
    chosen = {
        "vae_samples": lambda paper: [first_autoencoder(paper)],
        "vae_bad_latent": shown_autoencoders,
        "dcgan_samples": lambda paper: field_generators(paper, UNLABELLED_GENERATORS),
    }
    return chosen[kind]


def sampled_files(wildcards):
    return first_fields(sampled(wildcards.kind), "generated.h5")(wildcards)


def sampled_rows(wildcards):
    """Rows of a figure of samples: which file each shows, and which of its images."""
    names = sampled(wildcards.kind)(wildcards.paper)
    labels = [EXPERIMENTS[wildcards.paper][name].get("label", name) for name in names]
    choices = ("densest", "sparsest") if wildcards.kind == "vae_samples" else ("first",)
    return [
        {"label": label, "file": file, "choose": choice}
        for file, label in enumerate(labels)
        for choice in choices
        for _ in range(2 if wildcards.kind == "dcgan_samples" else 1)
    ]


def of_sampled(key):
    """Function for a setting of the first generator of a figure of samples."""
    return lambda wildcards: EXPERIMENTS[wildcards.paper][sampled(wildcards.kind)(wildcards.paper)[0]][key]


def view_of_sampled(wildcards):
    return view_of(wildcards.paper, sampled(wildcards.kind)(wildcards.paper)[0])


def notes_of_sampled(wildcards):
    return notes_of(fields_by_seed(wildcards.paper, sampled(wildcards.kind)(wildcards.paper)))


def fields_setting(key):
    return lambda wildcards: config["papers"][wildcards.paper]["generated_fields"][key]


def field_scorer_names(wildcards):
    """Experiments that score generated fields: those named that the run includes."""
    return [name for name in fields_setting("scorers")(wildcards) if name in included(wildcards.paper)]


def field_scorers(wildcards):
    """Models of the experiments that score generated fields, of their first seed."""
    paper, names = wildcards.paper, field_scorer_names(wildcards)
    return [f"{RESULTS}/{paper}/{name}/seed{seeds_of(paper)[0]}/{model_file(paper, name)}" for name in names]


def measuring_code(wildcards):
    """Digest of the code that measures and scores fields: the script and the networks that score."""
    paper = wildcards.paper
    networks = [name for name in field_scorer_names(wildcards) if model_file(paper, name) == "model.pt"]
    return digest_of(
        "measure_fields.py", *sorted(set().union(*(modules_of(EXPERIMENTS[paper][name]) for name in networks)))
    )


def real_fields(wildcards):
    """Measures of real images, one file per view of the generators."""
    return [f"{RESULTS}/{wildcards.paper}/real_{view}.csv" for view in views_of_fields(wildcards)]


def views_of_fields(wildcards):
    names = field_generators(wildcards.paper)
    return list(dict.fromkeys(EXPERIMENTS[wildcards.paper][name]["view"] for name in names))


def frame_of_paper(wildcards):
    return config["data"][dataset_of_paper(wildcards.paper)]["frame"]


def makes_levels(wildcards):
    """Whether what a generator makes are grey levels, and not relative to the brightest pixel of an image."""
    return experiment_of(wildcards).get("stretch", "none") == "none"


def field_figures(paper, **numbers):
    """Short name -> file of what shows the generated fields of a paper; `numbers` are figure numbers by name."""
    if not field_generators(paper):
        return {}
    figures = {"measured_fields": "measured_fields.csv"}
    if gans := field_generators(paper, UNLABELLED_GENERATORS):
        figures |= {"dcgan_samples": "dcgan_samples.png", **{f"curves_{name}": f"curves_{name}.png" for name in gans}}
    if field_generators(paper, AUTOENCODERS):
        figures |= {name: f"{name}.png" for name in ("vae_samples", "vae_curves", "reconstructions", "traversals")}
        figures |= {"bounds": "bounds.csv"}
        if len(shown_autoencoders(paper)) > 1:
            figures |= {"vae_bad_latent": "vae_bad_latent.png"}
    return {
        numbers.get(name, name): f"{numbers[name]}_{file}" if name in numbers else file
        for name, file in figures.items()
    }

"""The augmentation experiment: classifiers that differ in their training images alone.

An *arm* says what a classifier trains on: real images with or without augmentation, images of a generator, or both. All
arms of one seed and one size have the same real images, the same initial weights, and the same batches in the same
order; save arms that start from another arm's weights, which train twice. A generator for a smaller size is trained on
the same real images as the classifier, so that it knows no more than it does.
"""

from typing import Any

from galaxies.errors import ConfigError

ALL = "all"
GENERATOR_METHODS = ("conditional_gan",)
"""Methods whose module has `load_generator`."""

SHARED = ("augmentation", "real_images", "generated_per_real")


def grid(study: dict[str, Any]) -> list[dict[str, Any]]:
    """Arm by arm, the trainings of a study: `experiment`, `arm`, and `size`, the number of real images or "all"."""
    return [
        {"experiment": sized(arm, size), "arm": arm, "size": size}
        for arm, settings in study["arms"].items()
        for size in settings["sizes"] or study["sizes"]
    ]


def sized(name: str, size: int | str) -> str:
    """Name of an experiment when it trains on `size` real images."""
    return name if size == ALL else f"{name}_n{size}"


def expanded(paper: dict[str, Any]) -> dict[str, Any]:
    """Settings of a paper's experiments by name, with the classifiers of its study and their generators, if any."""
    if "augmentation" not in paper:
        return paper["experiments"]
    study, result = paper["augmentation"], dict(paper["experiments"])
    for entry in grid(study):
        arm, size = study["arms"][entry["arm"]], entry["size"]
        images = None if size == ALL else size
        if arm["generator"]:
            result[sized(arm["generator"], size)] = {**result[arm["generator"]], "train_images": images}
        result[entry["experiment"]] = {
            "method": "classification",
            **study["classifier"],
            "target": study["target"],
            "train_images": images,
            **{key: arm[key] for key in SHARED},
            "generator": arm["generator"] and sized(arm["generator"], size),
            "initialise_from": arm["initialise_from"] and sized(arm["initialise_from"], size),
        }
    return result


def generator_of(study: dict[str, Any], arm: str) -> str | None:
    """Generator whose images an arm, or the arm that it starts from, is trained on; None if there is none."""
    settings = study["arms"][arm]
    before = settings["initialise_from"]
    return settings["generator"] or (generator_of(study, before) if before else None)


def saw_validation(study: dict[str, Any], experiments: dict[str, Any], arm: str) -> bool:
    """Whether a generator of an arm, or of an arm that it starts from, was trained on the validation images."""
    settings = study["arms"][arm]
    before, generator = settings["initialise_from"], settings["generator"]
    return bool(
        (before and saw_validation(study, experiments, before))
        or (generator and study["classifier"]["validate_on"] in experiments[generator]["train_on"])
    )


def check_study(where: str, study: dict[str, Any], experiments: dict[str, Any]) -> None:
    """Raise ConfigError for arms, generators or sizes that do not fit together."""
    arms, question = study["arms"], study["question"]
    named = {"baseline": study["baseline"], **{f"question.{key}": question[key] for key in ("arm", "against")}}
    for key, arm in named.items():
        _one_of(f"{where}.{key}", arm, arms)
        if ALL not in (arms[arm]["sizes"] or study["sizes"]):
            raise ConfigError(f"{where}.{key}: {arm} has no size {ALL!r}, which tables and figures need", "add it")
    if question["arm"] == question["against"]:
        raise ConfigError(f"{where}.question: {question['arm']} is compared with itself")
    for name, arm in arms.items():
        place = f"{where}.arms.{name}"
        if extra := [size for size in arm["sizes"] or [] if size not in study["sizes"]]:
            raise ConfigError(f"{place}.sizes: {extra[0]} is not among {where}.sizes", "add it there")
        if not arm["real_images"] and not arm["generator"]:
            raise ConfigError(f"{place}: neither real images nor a generator", "name a generator")
        if not arm["generator"] and arm["generated_per_real"] != 1:
            raise ConfigError(f"{place}.generated_per_real: there is no generator", "name one, or leave the key out")
        if arm["generator"]:
            _check_generator(place, arm, study, experiments)
        if arm["initialise_from"]:
            _check_start(place, name, study)
    _check_names(where, study, experiments)


def check_generators(where: str, paper: dict[str, Any]) -> None:
    """Raise ConfigError unless the included generators have images and labels in common that figures can show."""
    experiments = paper["experiments"]
    for name in paper["include"]:
        if experiments[name]["method"] == "classification":
            raise ConfigError(f"{where}.include: {name} is a classifier", "train it as an arm of augmentation")
    generators = [name for name in paper["include"] if experiments[name]["method"] in GENERATOR_METHODS]
    for name in generators:
        for key in ("view", "conditions"):
            first, value = experiments[generators[0]][key], experiments[name][key]
            if value != first:
                raise ConfigError(
                    f"{where}.include: {generators[0]} has {key} {first}, {name} has {value}; generators that are "
                    "compared have the same",
                )
    for number, example in enumerate(paper["example_conditions"] if generators else []):
        wanted = experiments[generators[0]]["conditions"]
        if sorted(example) != sorted(wanted):
            raise ConfigError(
                f"{where}.example_conditions.{number}: labels {', '.join(example)}; expected {', '.join(wanted)}"
            )
    if generators and not paper["example_conditions"]:
        raise ConfigError(f"{where}.example_conditions: none, and figures show generated images of them", "give one")


def _check_names(where: str, study: dict[str, Any], experiments: dict[str, Any]) -> None:
    """Names and labels of all arms and sizes must be distinct: results lie under the names."""
    labels = [arm["label"] for arm in study["arms"].values()]
    if repeated := [label for label in labels if labels.count(label) > 1 or not label.strip()]:
        raise ConfigError(f"{where}.arms: the label {repeated[0]!r} is empty or given to several arms")
    trainings = grid(study)
    generators = {(study["arms"][entry["arm"]]["generator"], entry["size"]) for entry in trainings}
    names = [*experiments, *(entry["experiment"] for entry in trainings)]
    names += [sized(generator, size) for generator, size in generators if generator and size != ALL]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise ConfigError(
            f"{where}.arms: {repeated[0]!r} is the name of several trainings (an arm at a size adds _n<size>)",
            "give the arm or the experiment another name",
        )


def _check_generator(place: str, arm: dict[str, Any], study: dict[str, Any], experiments: dict[str, Any]) -> None:
    generators = {name: e for name, e in experiments.items() if e["method"] in GENERATOR_METHODS}
    _one_of(f"{place}.generator", arm["generator"], generators)
    generator, classifier = generators[arm["generator"]], study["classifier"]
    if generator["view"] != classifier["view"]:
        raise ConfigError(
            f"{place}.generator: makes images like {generator['view']}, the classifiers see {classifier['view']}"
        )
    if generator["train_images"] is not None:
        raise ConfigError(
            f"{place}.generator: {arm['generator']} has train_images {generator['train_images']}",
            "leave it out; the sizes of the experiment say how many images its generators train on",
        )
    smaller = [size for size in arm["sizes"] or study["sizes"] if size != ALL]
    if smaller and generator["train_on"] != classifier["train_on"]:
        raise ConfigError(
            f"{place}: {arm['generator']} trains on {' and '.join(generator['train_on'])}; for {smaller[0]} real "
            "images a generator must know the training images of the classifiers alone",
            f"set its sizes to [{ALL}], or take a generator with train_on: {classifier['train_on']}",
        )


def _check_start(place: str, name: str, study: dict[str, Any]) -> None:
    arms, passed = study["arms"], [name]
    while before := arms[passed[-1]]["initialise_from"]:
        _one_of(f"{place}.initialise_from", before, arms)
        if before in passed:
            raise ConfigError(f"{place}.initialise_from: {' -> '.join([*passed, before])} is a circle")
        passed.append(before)
    absent = [
        size
        for size in arms[name]["sizes"] or study["sizes"]
        if size not in (arms[arms[name]["initialise_from"]]["sizes"] or study["sizes"])
    ]
    if absent:
        raise ConfigError(f"{place}.initialise_from: {arms[name]['initialise_from']} has no size {absent[0]}")


def _one_of(where: str, name: str, known: dict[str, Any]) -> None:
    if name not in known:
        raise ConfigError(f"{where}: unknown name {name!r}", f"known: {', '.join(known)}")

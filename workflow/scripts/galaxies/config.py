"""The configuration of a run: published settings, overridden by the run, completed with defaults and checked."""

import copy
import difflib
import functools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from galaxies.augmentation_study import check_generators, check_study
from galaxies.errors import ConfigError
from galaxies.experiments import differences, experiments_of
from galaxies.generated_fields import check_autoencoders, check_fields
from galaxies.image_sizes import check_image_sizes
from galaxies.judgement import UNLABELLED_GENERATORS, check_judgement
from galaxies.registry import has_module, named_module
from galaxies.scorers import SCORERS, check_scorers, check_scorers_of_all
from galaxies.views import field_of

OF_FILES = ("layout", "source", "path", "images", "frame", "simulate")
"""Keys of a data set that say where its files are and what they are."""

STUDIED_METHODS = ("multiclass_classification", *SCORERS)  # that make a study of a paper with a name of its own
TESTED_METHODS = ("regression", "multiclass_classification")
"""Methods whose trained networks are evaluated on the set `test`."""

CLASSES_OF_GALAXIES = "gz2_classes"
"""What published settings call the data set of the layout gz2_kaggle with LABELS_OF_CLASSES."""
LABELS_OF_CLASSES = [{"file": "training_solutions_rev1", "kind": "five_classes"}]

LIMITS = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than", "exclusiveMaximum": "less than"}

Validator = validators.extend(  # the standard's takes 1.0 for an integer, and a folder would be called seed1.0
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)

SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the former, in C, is ten times faster and not everywhere


class UniqueKeyLoader(SafeLoader):
    """Raises ConfigError for a key that a mapping has twice, of which YAML libraries take the last and say nothing."""

    def __init__(self, stream: Any):
        super().__init__(stream)
        self.checked: set[yaml.Node] = set()  # by identity; an anchored mapping may come again, with merged keys in it

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge what `<<` names, after the keys that are written out have been looked at."""
        if node not in self.checked:
            self.checked.add(node)
            lines: dict[tuple[str, str], int] = {}
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    continue
                line, name = key.start_mark.line + 1, (key.tag, key.value)
                if name in lines:
                    raise ConfigError(
                        f"{node.start_mark.name}: line {line}: key {key.value!r} is there twice (line {lines[name]})",
                        "write `<<: [*a, *b]`" if key.value == "<<" else "take one out, or give it another name",
                    )
                lines[name] = line
        super().flatten_mapping(node)


def merged_config(overrides: dict, experiments: Path, schema: Path) -> dict:
    """Configuration of a run with every key present.

    overrides : what the run's configuration file says; the papers of the run are those that it names.
    experiments : folder of the published settings, one YAML file per paper.
    schema : JSON schema (YAML) of the merged configuration.
    Raises ConfigError naming the key, what was found, what is expected and, for a misspelt name, the nearest one.
    """
    for section in ("papers", "data"):
        if not isinstance(overrides.get(section, {}), dict):
            raise ConfigError(f"{section}: found {overrides[section]!r}, expected a mapping of names to settings")
    papers = {name: settings or {} for name, settings in overrides.get("papers", {}).items()}
    published = {path.stem: load_yaml(path) for path in sorted(experiments.glob("*.yaml")) if path.stem in papers}
    for paper, settings in papers.items():
        _check_experiment_names(paper, settings, published.get(paper))
    config = deep_merge({"papers": published}, {**overrides, "papers": papers})
    rules = load_yaml(schema)
    _drop_removed(config)
    _share_files(config)
    _admit_named_data_sets(config, rules)
    _admit_studies(config, rules)
    _check_finite(config)
    _read_command_line_values(config, rules)
    try:
        complete(config, rules, "the configuration")
    except ConfigError:
        for paper, settings in published.items():  # what is wrong there is not in the file of the run
            schema_of_paper = rules["properties"]["papers"]["properties"][paper]
            _check_valid(settings, schema_of_paper, rules, str(experiments / f"{paper}.yaml"))
        raise
    for paper in config["papers"].values():
        if paper["split"]["selection"] == "lowest_ids":
            paper["split"]["seed"] = 0  # not used; another value would only cause reruns
    _check_consistency(config, rules)
    return config


def published_config(paper: str, experiments: Path, schema: Path) -> dict:
    """Published settings of one paper, completed with the same defaults as `merged_config`."""
    rules = _published_rules(schema)
    settings = load_yaml(experiments / f"{paper}.yaml")
    _fill_defaults(settings, rules["properties"]["papers"]["properties"][paper], rules)
    return settings


def complete(instance: Any, rules: dict, what: str) -> None:
    """Check an instance against a schema and write the defaults into it; ConfigError with a line per problem."""
    _check_valid(instance, rules, rules, what)
    _fill_defaults(instance, rules, rules)


def _check_valid(instance: Any, schema: dict, root: dict, what: str) -> None:
    """Raise ConfigError with a line per problem; `root` is the whole schema, of which `schema` may be a part."""
    part = {key: value for key, value in schema.items() if key != "$schema"}  # by which jsonschema takes its own class
    errors = Validator(root).evolve(schema=part).iter_errors(instance)
    problems = [problem for error in errors for problem in _problems(error)]
    if problems:
        lines = "\n".join(f"  {problem}" for problem in dict.fromkeys(problems))
        raise ConfigError(f"{what} is not valid:\n{lines}")


def label_differences(settings: dict, published: str, schema: Path) -> list[str]:
    """How the label tables of a data set differ from those of the data set that a paper was published with, as a text.

    published : name of that data set. Empty if one of the two has no label tables: it is of another layout.
    """
    if published == CLASSES_OF_GALAXIES:
        tables = LABELS_OF_CLASSES
    else:
        tables = _published_rules(schema)["$defs"].get(published, {}).get("properties", {}).get("labels", {})
        tables = tables.get("default")
    if not tables or not settings.get("labels"):
        return []
    ours, theirs = (" and ".join(map(_label_table, found)) for found in (settings["labels"], tables))
    return differences({"labels": ours}, {"labels": theirs})


def _label_table(table: dict) -> str:
    """What tells a label table from a published one: these have no further keys."""
    return f"{table['kind']} of {re.sub('[.](csv|zip)$', '', table['file'])}"


def published_frame(layout: str, schema: Path) -> int | None:
    """Side of the published images of a layout in pixels; None if they have several."""
    return _published_frame(layout, _published_rules(schema))


@functools.cache  # asked for every paper and every training of the run
def _published_rules(schema: Path) -> dict:
    """The schema as its file has it; `merged_config` adds to its own what a run may name."""
    return load_yaml(schema)


def load_yaml(path: Path) -> Any:
    """Content of a YAML file; ConfigError with the line if it cannot be parsed or has a key twice."""
    try:
        with path.open(encoding="utf-8") as file:
            return yaml.load(file, Loader=UniqueKeyLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def deep_merge(base: dict, overrides: dict) -> dict:
    """Copy of `base` in which the leaves of `overrides` replace those of `base`; lists are replaced whole.

    So is a network of another `architecture` or an optimiser of another `name`, whose keys have another meaning.
    """
    merged = copy.deepcopy(base)
    for key, value in overrides.items():
        mergeable = isinstance(value, dict) and isinstance(merged.get(key), dict)
        if mergeable and not _is_of_another_kind(value, merged[key]):
            merged[key] = deep_merge(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def _is_of_another_kind(settings: dict, base: dict) -> bool:
    kinds = [settings[key] != base.get(key) for key in ("architecture", "name") if isinstance(settings.get(key), str)]
    return any(kinds)


def suggestion(name: str, known: list[str]) -> str:
    """`Did you mean ...?` for a misspelt name, else the known names."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(map(str, known))}"


def _read_command_line_values(config: dict, rules: dict) -> None:
    """Turn text into the number or truth value that the schema wants there: nested `--config` values come as text."""
    for error in [inner for found in Validator(rules).iter_errors(config) for inner in _with_context(found)]:
        if error.validator == "type" and isinstance(error.instance, str) and error.absolute_path:
            value = yaml.safe_load(error.instance) if re.fullmatch(r"[-+.\w]+", error.instance) else None
            if Validator({"type": error.validator_value}).is_valid(value) and value is not None:
                *parents, last = error.absolute_path
                place = functools.reduce(lambda node, key: node[key], parents, config)
                place[last] = value


def _with_context(error: ValidationError) -> Iterator[ValidationError]:
    """An error and those of its alternatives."""
    yield error
    for inner in error.context or ():
        yield from _with_context(inner)


def _drop_removed(config: dict) -> None:
    """Take out the published sets of a split, arms and `generation` to which the run gives null."""
    for paper in config["papers"].values():
        if isinstance(paper, dict) and paper.get("generation", {}) is None:
            del paper["generation"]
        for section, names in (("split", "sizes"), ("augmentation", "arms")):
            part = paper.get(section) if isinstance(paper, dict) else None
            if isinstance(part, dict) and isinstance(part.get(names), dict):
                kept = {name: value for name, value in part[names].items() if value is not None}
                apart = paper.get("not_in_paper")
                if names == "arms" and isinstance(apart, list):
                    paper["not_in_paper"] = [name for name in apart if name in kept or name not in part[names]]
                part[names] = kept


def _share_files(config: dict) -> None:
    """Give a data set with `same_files_as` the keys OF_FILES of the data set that it names.

    Raises ConfigError if that is none of the run, or reads the files of another one itself, or if the data set has such
    a key of its own with another value.
    """
    datasets = config.get("data", {})
    for name, settings in datasets.items():
        other = settings.get("same_files_as") if isinstance(settings, dict) else None
        if other is None:
            continue
        where = f"data.{name}.same_files_as"
        if not (isinstance(other, str) and isinstance(datasets.get(other), dict)):
            raise ConfigError(f"{where}: the run has no data set {other!r}", suggestion(other, list(datasets)))
        if other == name:
            raise ConfigError(f"{where}: {name} is this data set itself", "name another one")
        if further := datasets[other].get("same_files_as"):
            hint = f"write {further} here" if further != name else "one of the two must have files of its own"
            raise ConfigError(f"{where}: {other} itself reads the files of {further}", hint)
        shared = {"layout": other, **{key: value for key, value in datasets[other].items() if key in OF_FILES}}
        for key in OF_FILES:
            if key in settings and settings[key] != shared.get(key):
                raise ConfigError(
                    f"data.{name}.{key}: found {settings[key]!r}, but the files are those of data.{other}",
                    f"leave {key} to data.{other}, or leave same_files_as out",
                )
        settings.update(copy.deepcopy(shared))


def _admit_named_data_sets(config: dict, rules: dict) -> None:
    """Let the schema take data sets with names of their own: each has the keys of its `layout`.

    Raises ConfigError for a name that is neither that of a layout nor has one, as a misspelt name.
    """
    known = rules["properties"]["data"]["properties"]
    layouts = list(known)
    for name, settings in config.get("data", {}).items():
        if name in layouts:
            continue
        layout = settings.get("layout") if isinstance(settings, dict) else None
        if layout is None:
            raise ConfigError(
                f"data: unknown data set {name!r}", f"a new name needs the key `layout`; {suggestion(name, layouts)}"
            )
        if layout not in layouts:
            raise ConfigError(f"data.{name}.layout: unknown layout {layout!r}", suggestion(layout, layouts))
        known[name] = known[layout]


def _admit_studies(config: dict, rules: dict) -> None:
    """Let the schema take papers with names of their own.

    They have an augmentation experiment, judged generators or classifiers of several classes. Raises ConfigError for
    a name that is neither that of a paper nor has such, as a misspelt name.
    """
    known = rules["properties"]["papers"]["properties"]
    papers = list(known)
    for name, settings in config["papers"].items():
        if name in papers:
            continue
        if not _is_study(settings):
            raise ConfigError(
                f"papers: unknown paper {name!r}",
                f"{suggestion(name, papers)} A study of your own needs dataset, split, experiments, and augmentation, "
                "judgement, generated_fields, a classifier or a scorer.",
            )
        known[name] = {"$ref": "#/$defs/paper"}


def _is_study(settings: Any) -> bool:
    if not isinstance(settings, dict):
        return False
    experiments = settings.get("experiments")
    experiments = experiments.values() if isinstance(experiments, dict) else []
    own = any(isinstance(e, dict) and e.get("method") in STUDIED_METHODS for e in experiments)
    return bool(own or settings.keys() & {"augmentation", "judgement", "generated_fields"})


def _check_finite(value: Any, where: str = "") -> None:
    """Raise ConfigError for a number that is not finite; no setting may be."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            _check_finite(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where}: found {value}, expected a finite number")


def _published_frame(layout: str, rules: dict) -> int | None:
    return rules["$defs"][layout]["properties"].get("frame", {}).get("default")


def _check_experiment_names(paper: str, settings: Any, published: dict | None) -> None:
    """An override must name a published experiment or be a complete new one; a misspelt name is neither."""
    if published is None or not isinstance(settings, dict):
        return
    experiments = settings.get("experiments", {})
    if not isinstance(experiments, dict):
        return
    for name, override in experiments.items():
        if name not in published["experiments"] and not (isinstance(override, dict) and "method" in override):
            raise ConfigError(
                f"papers.{paper}.experiments: unknown experiment {name!r}",
                f"{suggestion(name, list(published['experiments']))}; a new experiment needs its whole settings",
            )


def _check_consistency(config: dict, rules: dict) -> None:
    """Conditions between keys, which a schema does not express."""
    for name, dataset in config["data"].items():
        _check_dataset(name, dataset, rules)
    for name, paper in config["papers"].items():
        for experiment in paper["include"]:
            if experiment not in paper["experiments"]:
                raise ConfigError(
                    f"papers.{name}.include: unknown experiment {experiment!r}",
                    suggestion(experiment, list(paper["experiments"])),
                )
        known = experiments_of(paper)
        if unknown := [experiment for experiment in paper["not_in_paper"] if experiment not in known]:
            raise ConfigError(
                f"papers.{name}.not_in_paper: unknown experiment {unknown[0]!r}", suggestion(unknown[0], known)
            )
        if paper["dataset"] not in config["data"]:
            raise ConfigError(
                f"papers.{name}.dataset: the run does not configure the data set {paper['dataset']!r}",
                f"add data.{paper['dataset']} with a source; {suggestion(paper['dataset'], list(config['data']))}",
            )
        dataset = config["data"][paper["dataset"]]
        _check_experiments(name, paper, dataset["layout"])
        _check_inputs(name, paper, dataset)
        experiments = {f"experiments.{e}": paper["experiments"][e] for e in paper["include"]}
        views = {where: settings["view"] for where, settings in experiments.items() if "view" in settings}
        if "augmentation" in paper:
            views["augmentation.classifier"] = paper["augmentation"]["classifier"]["view"]
        for where, view in views.items():
            _check_view(f"papers.{name}.{where}.view", view, paper["dataset"], dataset)
        if "augmentation" in paper:
            check_study(f"papers.{name}.augmentation", paper["augmentation"], paper["experiments"])
        check_generators(f"papers.{name}", paper)
        check_scorers(f"papers.{name}", paper, dataset)
        check_autoencoders(f"papers.{name}", paper)
        if paper.get("generated_fields"):
            check_fields(f"papers.{name}", paper, dataset)
        if "step_cost" in paper:
            _check_step_cost(f"papers.{name}.step_cost", paper)
        _check_split(name, paper, dataset)
    check_scorers_of_all(config["papers"])
    for name, paper in config["papers"].items():
        if "judgement" in paper:
            check_judgement(name, config)


def _check_step_cost(where: str, paper: dict) -> None:
    """The two experiments exist and, where both are included, can be given the same images and the same networks."""
    for key in ("reference", "model"):
        experiment, known = paper["step_cost"][key], list(paper["experiments"])
        if experiment not in known:
            raise ConfigError(f"{where}.{key}: unknown experiment {experiment!r}", suggestion(experiment, known))
    names = [paper["step_cost"][key] for key in ("reference", "model")]
    if not set(names) <= set(paper["include"]):
        return
    reference, model = (paper["experiments"][name] for name in names)
    for experiment in (reference, model):
        if experiment["method"] not in UNLABELLED_GENERATORS:
            raise ConfigError(
                f"{where}: the step of method {experiment['method']} needs labels",
                f"compare experiments of the methods {' and '.join(UNLABELLED_GENERATORS)}",
            )
    if reference["view"] != model["view"]:
        raise ConfigError(
            f"{where}: the reference has view {reference['view']}, the model {model['view']}",
            "compare experiments with the same view",
        )
    if missing := reference["networks"].keys() - model["networks"].keys():
        raise ConfigError(
            f"{where}: the model has no network {min(missing)!r}, which the reference takes from it",
            "exchange reference and model",
        )


def _check_dataset(name: str, dataset: dict, rules: dict) -> None:
    source, layout = dataset["source"], dataset["layout"]
    part = {"download": "download", "simulated": "simulator"}.get(source)
    if part and not has_module(f"datasets.{layout}", part):
        raise ConfigError(f"data.{name}.source: {layout} cannot be {source}", "use local")
    if dataset["path"] and set("{}") & set(dataset["path"]):
        raise ConfigError(f"data.{name}.path: {dataset['path']} has braces, which Snakemake takes for wildcards")
    published = _published_frame(layout, rules)
    if source != "local" and dataset.get("frame") != published:
        raise ConfigError(f"data.{name}.frame: {source} images have {published} pixels; frame is for source local")
    if dataset["source"] == "local" and not dataset["path"]:
        raise ConfigError(f"data.{name}.path: source local needs the folder of the files", "set it, or use simulated")
    for view in dataset["views"]:
        _check_view(f"data.{name}.views", view, name, dataset)
    for label in dataset.get("labels", []):
        low, high = label.get("range", (0, 1))
        if not (low < high and math.isfinite(high - low)):
            raise ConfigError(
                f"data.{name}.labels: range {label['range']} of {label['file']}; expected [lowest, highest]"
            )
        kind, labels = label["kind"], named_module(f"datasets.{layout}", "labels")
        extra = sorted(label.keys() - labels.KEYS[kind] - {"file", "kind"})
        if extra:
            raise ConfigError(f"data.{name}.labels: {extra[0]!r} of {label['file']} has no meaning for kind {kind}")
        if kind not in labels.PUBLISHED_KINDS and source != "local":
            kinds = " and ".join(labels.PUBLISHED_KINDS)
            raise ConfigError(f"data.{name}.labels: only source local has other tables than those of kinds {kinds}")


def _check_view(where: str, view: str, name: str, dataset: dict) -> None:
    """The view must be one that the images of the data set give."""
    try:
        named_module(f"datasets.{dataset['layout']}", "images").projection(view, dataset)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message} (data.{name}.frame)", error.hint) from error


def _check_split(name: str, paper: dict, dataset: dict) -> None:
    """What can be known of a split before the data is read: the sets that trainings need, the size of what is drawn."""
    sizes, where = paper["split"]["sizes"], f"papers.{name}.split.sizes"
    if odd := [part for part in sizes if not isinstance(part, str)]:
        raise ConfigError(f"{where}: {odd[0]!r} is no text", "the name of a set is one, such as train")
    files = named_module(f"datasets.{dataset['layout']}", "files")
    subsets = list(getattr(files, "SUBSET_LABELS", {}))
    if odd := [part for part in sizes if subsets and part not in subsets and part.split("_")[0] not in subsets]:
        raise ConfigError(
            f"{where}: the set {odd[0]!r} belongs to no subset of the data",
            f"its name starts with one of: {', '.join(subsets)}, as in {subsets[0]}_train",
        )
    for subset in subsets or [""]:
        rest = [part for part, size in sizes.items() if size == "rest" and part.startswith(subset)]
        if len(rest) > 1:
            raise ConfigError(f"{where}: {' and '.join(rest)} both take the rest", "give all but one of them a number")
    needed = {experiment: _sets_of(paper["experiments"][experiment]) for experiment in paper["include"]}
    if "augmentation" in paper:
        needed["augmentation"] = _sets_of(paper["augmentation"]["classifier"])
    for experiment, sets in needed.items():
        if missing := [part for part in sets if part not in sizes]:
            raise ConfigError(f"papers.{name}.split.sizes: no {missing[0]!r}, which {experiment} needs")
    if dataset["source"] != "simulated":
        return
    simulated = {key: number for key, number in dataset["simulate"].items() if key != "seed"}
    for subset, number in simulated.items():
        numbers = {part: size for part, size in sizes.items() if isinstance(size, int)}
        asked = [size for part, size in numbers.items() if len(simulated) == 1 or part.startswith(subset)]
        if sum(asked) > number:
            raise ConfigError(
                f"papers.{name}.split.sizes: {sum(asked)} images, but data.{paper['dataset']}.simulate.{subset} is "
                f"{number}",
                "simulate more images or make the split smaller",
            )


def _sets_of(experiment: dict) -> list[str]:
    """Sets of the split that an experiment reads."""
    sets = [*experiment["train_on"], *([experiment["validate_on"]] if "validate_on" in experiment else [])]
    return [*sets, "test"] if experiment.get("method") in TESTED_METHODS else sets


def _check_experiments(name: str, paper: dict, layout: str) -> None:
    for experiment, settings in paper["experiments"].items():
        where = f"papers.{name}.experiments.{experiment}"
        network = settings.get("network", {})
        if isinstance(network.get("dropout"), list) and len(network["dense"]) != len(network["dropout"]):
            raise ConfigError(
                f"{where}.network: dense has {len(network['dense'])} layers, dropout {len(network['dropout'])}"
            )
        if network.get("kernel_size", 1) % 2 == 0:
            raise ConfigError(f"{where}.network.kernel_size: found {network['kernel_size']}, expected an odd number")
        _check_augmentation(where, settings)
        check_image_sizes(where, settings)
        _check_pools(where, settings, layout)
    if paper.get("generated_fields"):
        _check_pools(f"papers.{name}.generated_fields", paper["generated_fields"], layout)
    if "augmentation" in paper:
        where, study = f"papers.{name}.augmentation", paper["augmentation"]
        network = study["classifier"]["network"]
        if len(network["filters"]) != len(network["kernel_sizes"]):
            raise ConfigError(
                f"{where}.classifier.network: filters has {len(network['filters'])} values, kernel_sizes "
                f"{len(network['kernel_sizes'])}"
            )
        check_image_sizes(f"{where}.classifier", study["classifier"])
        for arm, settings in study["arms"].items():
            _check_augmentation(f"{where}.arms.{arm}", settings)


def _check_inputs(name: str, paper: dict, dataset: dict) -> None:
    """The crops that morphology classifiers are trained on must lie within the images of their view."""
    for experiment in paper["include"]:
        settings = paper["experiments"][experiment]
        if settings["method"] != "multiclass_classification":
            continue
        where, inputs = f"papers.{name}.experiments.{experiment}", settings["inputs"]
        if settings["view"].startswith("full_") and inputs["frame"] != dataset["frame"]:
            raise ConfigError(
                f"{where}.inputs.frame: found {inputs['frame']}, but data.{paper['dataset']}.frame is "
                f"{dataset['frame']}, and the view shows the whole frame"
            )
        for key in ("crop", "contrast"):
            if inputs[key][0] > inputs[key][1]:
                raise ConfigError(f"{where}.inputs.{key}: lowest {inputs[key][0]} is above highest {inputs[key][1]}")
        if inputs["size"] > inputs["resized"]:
            raise ConfigError(f"{where}.inputs: size {inputs['size']} is cut out of resized {inputs['resized']}")
        try:
            field = field_of(settings["view"], inputs["frame"])
        except ConfigError as error:
            raise ConfigError(f"{where}.view: {error.message}", error.hint) from error
        if max(inputs["crop"][1], inputs["test_crop"]) > field:
            raise ConfigError(
                f"{where}.inputs: crops of {max(inputs['crop'][1], inputs['test_crop'])} px, but the view "
                f"{settings['view']} shows {field} px of the images"
            )


def _check_pools(where: str, settings: dict, layout: str) -> None:
    """Ranges of pools are not empty, and of labels that images of the sets have, where the layout says which do."""
    labels = getattr(named_module(f"datasets.{layout}", "files"), "SUBSET_LABELS", {})
    held_out = [settings["validate_on"]] if "validate_on" in settings else []
    sets = {
        "pool": settings.get("train_on", []),
        "validation_pool": held_out,
        "real_pool": settings.get("real_sets", []),
    }
    for key, names in sets.items():
        pool = settings.get(key) or {}
        for label, (low, high) in pool.items():
            if low > high:
                raise ConfigError(f"{where}.{key}.{label}: lowest {low:g} is above highest {high:g}")
            if labels and not any(label in of for of in labels.values()):
                known = sorted(set().union(*labels.values()))
                raise ConfigError(f"{where}.{key}: no label {label!r}; {suggestion(label, known)}")
        subsets = [subset for subset in labels if any(name.startswith(subset) for name in names)]
        found = set().union(*(labels[subset] for subset in subsets))
        if subsets and pool and not found & pool.keys():
            raise ConfigError(
                f"{where}.{key}: images of {', '.join(names)} have no {' or '.join(pool)}, but {', '.join(found)}",
                "name sets whose images have these labels, or other labels",
            )


def _check_augmentation(where: str, settings: dict) -> None:
    low, high = settings.get("augmentation", {}).get("zoom", (1, 1))
    if low > high:
        raise ConfigError(f"{where}.augmentation.zoom: lowest {low} is above highest {high}")


def _problems(error: ValidationError) -> Iterator[str]:
    """One line per problem, with the key, what was found and what is expected."""
    where = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties" and isinstance(error.schema.get("additionalProperties"), bool):
        known = list(error.schema.get("properties", {}))
        for key in error.instance:
            if key not in known:
                yield f"{where}: unknown key {key!r}; {suggestion(key, known)}"
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                yield f"{where}: key {key!r} is missing"
    elif error.validator == "enum":
        yield f"{where}: found {error.instance!r}; {suggestion(error.instance, error.validator_value)}"
    elif error.validator in ("oneOf", "anyOf", "not") and _is_about_keys(error):
        found = " and ".join(map(str, error.instance)) or "nothing"
        yield f"{where}: found {found}; expected {error.schema['description']}"
    elif error.validator == "oneOf" and error.context:
        yield from _problems_of_alternatives(error, where)
    elif error.validator == "type":
        expected = error.validator_value
        expected = " or ".join(expected) if isinstance(expected, list) else expected
        hint = ""
        if (
            expected == "number"
            and isinstance(error.instance, str)
            and re.fullmatch(r"[\d.]+[eE][+-]?\d+", error.instance)
        ):
            hint = "; YAML reads it as text, write a dot and a sign as in 1.0e-3"
        elif "string" in error.validator_value and where == "images":
            hint = "; write ./ before the name of a folder that YAML reads as something else"
        yield f"{where}: found {error.instance!r}, expected type {expected}{hint}"
    elif error.validator == "pattern" and "examples" in error.schema:
        yield f"{where}: found {error.instance!r}; expected for example {' or '.join(error.schema['examples'])}"
    elif error.validator in LIMITS:
        yield f"{where}: found {error.instance!r}, expected {LIMITS[error.validator]} {error.validator_value}"
    elif error.validator == "const":
        yield f"{where}: found {error.instance!r}, expected {error.validator_value!r}"
    else:
        yield f"{where}: {error.message}"


def _is_about_keys(error: ValidationError) -> bool:
    """Whether alternatives are nothing but keys that must be there, which the description of the schema says better."""
    alternatives = error.validator_value
    alternatives = alternatives if isinstance(alternatives, list) else alternatives.get("anyOf", [{}])
    return "description" in error.schema and all(alternative.keys() == {"required"} for alternative in alternatives)


def _problems_of_alternatives(error: ValidationError, where: str) -> Iterator[str]:
    """Problems of the alternative that the constant key (such as `architecture`) selects."""
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    constants = {}
    for index, errors in branches.items():
        mismatch = next((e for e in errors if e.validator == "const" and len(e.relative_path) == 1), None)
        if mismatch is None:
            for inner in errors:
                yield from _problems(inner)
            return
        constants[index] = mismatch
    first = next(iter(constants.values()))
    names = [mismatch.validator_value for mismatch in constants.values()]
    yield f"{where}.{first.absolute_path[-1]}: found {first.instance!r}; {suggestion(first.instance, names)}"


def _fill_defaults(instance: Any, schema: dict, root: dict) -> None:
    """Write `default` of the schema into absent keys, in place and through references."""
    schema = _resolve(schema, root)
    if "oneOf" in schema and isinstance(instance, dict):
        validator = Validator(root)
        for branch in schema["oneOf"]:
            if validator.evolve(schema=_resolve(branch, root)).is_valid(instance):
                return _fill_defaults(instance, branch, root)
    if isinstance(instance, dict):
        properties = schema.get("properties", {})
        for key, rule in properties.items():
            rule = _resolve(rule, root)
            if key not in instance and "default" in rule:
                instance[key] = copy.deepcopy(rule["default"])
            if key in instance:
                _fill_defaults(instance[key], rule, root)
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for key in instance.keys() - properties.keys():
                _fill_defaults(instance[key], extra, root)
    elif isinstance(instance, list) and "items" in schema:
        for item in instance:
            _fill_defaults(item, schema["items"], root)
    return None


def _resolve(schema: dict, root: dict) -> dict:
    while "$ref" in schema:
        node: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        schema = node
    return schema

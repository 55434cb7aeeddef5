"""Input functions of the summary: which metrics, published values, claims and generators a run has. Makes nothing itself."""

import functools
from fnmatch import fnmatchcase

from galaxies.config import suggestion
from galaxies.ledger import check_claims, check_ledger, load_claims, load_ledger, setting_of

METRICS_FILE, CLAIMS_FILE = (WORKFLOW.parent / "config" / f"{name}.yaml" for name in ("metrics", "claims"))
IN_TRAINING = "/seed{seed}/"  # in the name of a table: one of each training
SUMMARISED_GENERATORS = (*GENERATORS, *AUTOENCODERS)


@functools.cache
def settings_of_paper(paper):
    """Settings of a paper in this run, else the published ones; None for a name that no paper has."""
    if paper in config["papers"]:
        return config["papers"][paper]
    return published_settings(paper) if (PUBLISHED_EXPERIMENTS / f"{paper}.yaml").exists() else None


@functools.cache
def published_settings(paper):
    return published_config(paper, PUBLISHED_EXPERIMENTS, SCHEMA)


@functools.cache
def made_table(paper, table):
    """Path of a table of a paper that the run makes, with the number of its figure if it has one; None if it makes none.

    It is made with a target whose name it has, apart from `_per_seed`.
    """
    stem = re.escape(re.sub("^fig[0-9]+_", "", Path(table).stem).removesuffix("_per_seed"))
    for target in TARGETS[paper].values():
        if found := re.match(rf"(fig[0-9]+_|){stem}\.", target):
            path = f"{RESULTS}/{paper}/{found[1]}{re.sub('^fig[0-9]+_', '', table)}"
            if any(maker.is_producer(path) for maker in workflow.rules):
                return path
    return None


def table_path(paper, table):
    """Path of a table of the ledger; `{seed}` stays."""
    if table.startswith("{data}/"):
        return table.replace("{data}", f"{RESULTS}/data/{dataset_of_paper(paper)}")
    return f"{RESULTS}/{paper}/{table}"


def expect_tables():
    """End with a message if no rule makes the table of a metric for any run."""
    patterns = {re.sub(r"\{[^}]+\}", "*", str(output)) for rule in workflow.rules for output in rule.output}
    tables = {name: entry for name, entry in LEDGER["metrics"].items() if entry["table"]}
    for name, entry in tables.items():
        if entry["paper"] not in config["papers"]:
            continue  # nor are its own rules
        path = table_path(entry["paper"], entry["table"]).replace("{seed}", "0")
        if not any(fnmatchcase(path, pattern) for pattern in patterns):
            others = {e["table"] for e in tables.values() if e["paper"] == entry["paper"]} - {entry["table"]}
            sys.exit(
                f"Error: {METRICS_FILE}: metrics.{name}.table: no rule makes {path}\n"
                f"Hint: {suggestion(entry['table'], sorted(others))}"
            )


def why_absent(entry):
    """Why a run has no values of a metric, as far as this can be known before; None if it has."""
    paper, experiment, table = entry["paper"], entry["experiment"], entry["table"]
    if paper not in config["papers"]:
        return f"the run does not include {paper}"
    arms = {member["arm"] for member in grid_of(paper)}
    if experiment is not None and experiment not in {*included(paper), *arms}:
        return f"the run does not include {experiment} of {paper}"
    if entry["setting"] is not None:
        try:
            setting_of(config["papers"][paper], entry["setting"], paper)
        except PipelineError:
            return f"the run has no {entry['setting']} of {paper}"
    in_training = table is None or IN_TRAINING in table or table.startswith("{data}/")
    return None if in_training or made_table(paper, table) else f"the run does not make {paper}/{table}"


def settings_of_metric(entry):
    """How what a metric is of differs from the published, as texts."""
    paper, experiment = entry["paper"], entry["experiment"]
    texts = changes(paper, experiment) if experiment is not None else changes_of_data(paper)
    judge = config["papers"][paper].get("judgement") if entry["judged"] else None
    if entry["judged"]:
        texts = [*texts, *changes_of_judgement(paper), *changes_of_generation(paper)]
    if judge:
        texts = [*texts, *(f"judge: {text}" for text in changes(judge["paper"], judge["experiment"]))]
    return list(dict.fromkeys(texts))


@functools.cache
def collected_metrics():
    """Metrics of the run with what the script needs of them, and name -> reason of those that it does not have."""
    present, absent, tables = [], {}, {}
    for name, entry in LEDGER["metrics"].items():
        if reason := why_absent(entry):
            absent[name] = reason
            continue
        paper = entry["paper"]
        files = []
        if entry["table"]:
            path = table_path(paper, entry["table"])
            files = [path.replace("{seed}", str(seed)) for seed in seeds_of(paper)] if "{seed}" in path else [path]
        of_setting = entry["setting"] and setting_of(config["papers"][paper], entry["setting"], name)
        present.append(
            {
                **entry,
                "name": name,
                "setting": of_setting,
                "tables": [tables.setdefault(file, len(tables)) for file in files],  # positions among the inputs
                "seeds": seeds_of(paper),
                "differences": settings_of_metric(entry),
            }
        )
    return present, absent, list(tables)


def provenance_of_papers(wildcards):
    """Provenance of the data set of each paper of the run."""
    return [provenance_of(paper) for paper in config["papers"]]


def metric_entries(wildcards):
    return collected_metrics()[0]


def absent_metrics(wildcards):
    return collected_metrics()[1]


def metric_tables(wildcards):
    return collected_metrics()[2]


def units_of_metrics(wildcards):
    return {name: entry["unit"] for name, entry in LEDGER["metrics"].items()}


# Generators side by side


def summarised_generators():
    """All generators of the run: paper, experiment and label."""
    return [
        {"paper": paper, "experiment": name, "label": EXPERIMENTS[paper][name].get("label", name)}
        for paper in config["papers"]
        for name in included(paper)
        if EXPERIMENTS[paper][name]["method"] in SUMMARISED_GENERATORS or draws_images(EXPERIMENTS[paper][name])
    ]


@functools.cache
def generator_cells():
    """One per generator and quantity: positions of its tables among the inputs, or why it has none; and the inputs."""
    cells, tables = [], {}
    for generator in summarised_generators():
        paper, experiment = generator["paper"], generator["experiment"]
        for quantity, entry in LEDGER["generators"].items():
            table = entry["table"].replace("{experiment}", experiment)
            if IN_TRAINING in table:
                files = [f"{RESULTS}/{paper}/{table}".replace("{seed}", str(seed)) for seed in seeds_of(paper)]
            else:
                files = [path for path in [made_table(paper, table)] if path]
            cells.append(
                {
                    **generator,
                    "quantity": quantity,
                    "tables": [tables.setdefault(file, len(tables)) for file in files],
                    "seeds": seeds_of(paper),
                    "reason": None if files else f"the run makes no {table} of {paper}",
                    "differences": changes(paper, experiment),
                }
            )
    return cells, list(tables)


def generator_entries(wildcards):
    return generator_cells()[0]


def generator_tables(wildcards):
    return generator_cells()[1]


def summary_figures():
    """Short name -> file of the summary: what a run without papers or generators cannot have is left out.

    A paper without published values or claims has no figure of them.
    """
    figures = {}
    if PUBLISHED:
        figures |= {name: f"{name}.csv" for name in ("metrics", "comparison", "claims")}
    with_values = {Path(name).parts[0] for name in LEDGER["published"]}
    with_claims = {claim["paper"] for claim in CLAIMS.values()}
    for kind, papers in (("comparison", with_values), ("claims", with_claims)):
        figures |= {f"{kind}_{paper}": f"{kind}_{paper}.png" for paper in config["papers"] if paper in papers}
    if summarised_generators():
        figures["generators"] = "generators.png"
    return figures


try:
    LEDGER = load_ledger(METRICS_FILE, WORKFLOW / "schemas" / "metrics.schema.yaml")
    CLAIMS = load_claims(CLAIMS_FILE, WORKFLOW / "schemas" / "claims.schema.yaml")
    if workflow.exec_mode == ExecMode.DEFAULT:  # jobs need not check again what the Snakemake that started them has
        check_ledger(LEDGER, METRICS_FILE, Path(REPORTED), settings_of_paper, published_settings)
        check_claims(CLAIMS, CLAIMS_FILE, LEDGER["metrics"], settings_of_paper)
except PipelineError as error:
    sys.exit(f"Error: {error}")

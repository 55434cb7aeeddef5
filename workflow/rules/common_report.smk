"""How outputs stand in the report and on the page on a run. Makes nothing itself."""

from galaxies.report_items import Item


report: "../report/workflow.rst"


def title_of_study(name):
    """What the report calls a paper or study, or a folder beside them."""
    return {"summary": "Summary", "data": "Data sets"}.get(name) or config["papers"][name]["title"] or name


def kind_of_data(*datasets):
    """`simulated`, `real`, or `real and simulated`, of some data sets of the run."""
    kinds = {"simulated" if config["data"][name]["source"] == "simulated" else "real" for name in datasets}
    return " and ".join(sorted(kinds))


def shown(path, caption, item, seeds="all"):
    """Mark an output for the report, with the caption of that name.

    item : what it shows. seeds : whether of `all` seeds, of the `first`, or of None, since nothing is trained for it.
    """

    def described(wildcards):
        values = dict(wildcards.items())
        file = path.removeprefix("<results>/").format(**values)
        study = file.split("/")[0]
        datasets = {"summary": list(config["data"]), "data": [values.get("dataset")]}
        subject = values.get("paper", study)
        return Item(
            file=file,
            shows=item.format(**values) + (f" of {values['experiment']}" if "experiment" in values else ""),
            study=title_of_study(study),
            seeds={"all": seeds_of, "first": lambda paper: seeds_of(paper)[:1], None: lambda _: []}[seeds](study),
            data=kind_of_data(*(datasets[subject] if subject in datasets else [dataset_of_paper(subject)])),
        )

    return report(
        path,
        category=lambda wildcards: described(wildcards).study,
        subcategory=lambda wildcards: described(wildcards).subcategory,
        # One label alone: Snakemake makes a switch of another one that has two values in a list, half of it each, and
        # where an item has only one of them the whole page is empty.
        labels=lambda wildcards: {"figure or table": described(wildcards).label},
        caption=f"../report/{caption}.rst",
    )


def overview_files(wildcards):
    """Figures and tables of the run."""
    files = [*result_targets(wildcards), *record_files()]
    return [file for file in files if Path(file).suffix in (".png", ".csv", ".json", ".md")]


def command_of_run(wildcards, threads):
    """The command that makes the run. Taking `threads` keeps Snakemake from rerunning the page for another file name."""
    files = [os.path.relpath(path) for path in workflow.overwrite_configfiles]
    return " ".join(["snakemake --cores all", *(["--configfile", *files] if files else [])])

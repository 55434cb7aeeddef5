"""Provenance: how every file of the run was made, and what it cost; as a record, as a crate and in tables."""


localrules:  # seconds each
    record_provenance,
    describe_crate,
    tabulate_cost,
    plot_cost,


rule record_provenance:
    """Jobs, settings, code, commits, packages, digests, time and memory of everything that the run has made."""
    input:
        cards=[f"{RESULTS}/data/{dataset}/card.json" for dataset in config["data"]],
        targets=result_targets,
    output:
        record="<results>/summary/provenance.json",
    log:
        "<logs>/summary/provenance.log",
    conda:
        "../../envs/plot.yaml"
    params:
        records=".snakemake/metadata",
        starts=STARTS,  # no input: each start adds to it
        results=lambda wildcards: RESULTS,
        run=config["run"],
        targets=targets_by_paper,
        data=config["data"],
        experiments=experiments_beside_published,
        code=code_of("record_provenance.py"),
    message:
        "Recording how the run was made"
    script:
        "../scripts/record_provenance.py"


rule describe_crate:
    """The run as a Provenance Run Crate, with a copy of the workflow."""
    input:
        record="<results>/summary/provenance.json",
    output:
        metadata="<results>/ro-crate-metadata.json",
        workflow=directory("<results>/summary/workflow"),
    log:
        "<logs>/summary/crate.log",
    conda:
        "../../envs/plot.yaml"
    params:
        config=f"{RESULTS}/config.yaml",  # no input: it is written at each start
        project=os.path.relpath(WORKFLOW.parent),
        code=code_of("describe_crate.py"),
    message:
        "Describing the run as an RO-Crate"
    script:
        "../scripts/describe_crate.py"


rule tabulate_cost:
    """Time and memory per paper and stage, and per figure and table."""
    input:
        record="<results>/summary/provenance.json",
    output:
        cost=shown("<results>/summary/cost.csv", "cost", "cost per paper and stage", None),
        per_figure=shown("<results>/summary/cost_per_figure.csv", "cost", "cost per figure", None),
    log:
        "<logs>/summary/cost_tables.log",
    conda:
        "../../envs/plot.yaml"
    params:
        code=code_of("tabulate_cost.py"),
    message:
        "Cost of the run"
    script:
        "../scripts/tabulate_cost.py"


rule plot_cost:
    """Time and memory per paper, by stage."""
    input:
        cost="<results>/summary/cost.csv",
    output:
        png=shown("<results>/summary/cost.png", "cost", "cost per paper and stage", None),
        pdf="<results>/summary/cost.pdf",
    log:
        "<logs>/summary/cost_figure.log",
    conda:
        "../../envs/plot.yaml"
    params:
        data=kind_of_data(*config["data"]),
        code=code_of("plot_cost.py"),
    message:
        "Figure of the cost of the run"
    script:
        "../scripts/plot_cost.py"

"""A page on the run, results/<run>/README.md, made last of all."""


localrules:  # seconds
    write_overview,


rule write_overview:
    """The tables of the run on one page, with links to its figures."""
    input:
        files=overview_files,
    output:
        overview="<results>/README.md",
    log:
        "<logs>/overview.log",
    conda:
        "../../envs/plot.yaml"
    params:
        run=config["run"],
        data={name: kind_of_data(name) for name in config["data"]},
        titles={name: title_of_study(name) for name in ("summary", *config["papers"], "data")},
        command=command_of_run,
        code=code_of("write_overview.py"),
    message:
        "Writing the page on the run"
    script:
        "../scripts/write_overview.py"

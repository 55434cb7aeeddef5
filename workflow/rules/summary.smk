"""The summary of a run: its metrics in one ledger, beside the published values; claims of the papers; all generators."""


localrules:  # seconds each
    collect_metrics,
    compare_published,
    plot_comparison,
    judge_claims,
    plot_claims,
    summarise_generators,
    plot_generator_summary,


TARGETS["summary"] = summary_figures()

if workflow.exec_mode == ExecMode.DEFAULT:
    expect_tables()


rule collect_metrics:
    """Values of all named metrics, seed by seed, and why others have none."""
    input:
        tables=metric_tables,
        provenance=provenance_of_papers,
    output:
        metrics="<results>/summary/metrics.csv",
        missing="<results>/summary/metrics_missing.csv",
    log:
        "<logs>/summary/metrics.log",
    conda:
        "../../envs/plot.yaml"
    params:
        papers=list(config["papers"]),
        entries=metric_entries,
        absent=absent_metrics,
        code=code_of("collect_metrics.py"),
    message:
        "Collecting the metrics of the run"
    script:
        "../scripts/collect_metrics.py"


rule compare_published:
    """Every value that the papers state beside that of the run, with a verdict."""
    input:
        metrics="<results>/summary/metrics.csv",
        missing="<results>/summary/metrics_missing.csv",
        reported=REPORTED,
    output:
        table=shown("<results>/summary/comparison.csv", "comparison", "every published value beside the run's", None),
    log:
        "<logs>/summary/comparison.log",
    conda:
        "../../envs/plot.yaml"
    params:
        published=LEDGER["published"],
        code=code_of("compare_published.py"),
    message:
        "Comparing the run with the published values"
    script:
        "../scripts/compare_published.py"


rule plot_comparison:
    """Published values of a paper and those of the run."""
    input:
        table="<results>/summary/comparison.csv",
        metrics="<results>/summary/metrics.csv",
    output:
        png=shown(
            "<results>/summary/comparison_{paper}.png",
            "comparison",
            "published values of {paper} beside the run's",
            None,
        ),
        pdf="<results>/summary/comparison_{paper}.pdf",
    log:
        "<logs>/summary/plot_comparison_{paper}.log",
    conda:
        "../../envs/plot.yaml"
    params:
        paper="{paper}",
        title=lambda wildcards: title_of_study(wildcards.paper),
        code=code_of("plot_comparison.py"),
    message:
        "Published values of {wildcards.paper} beside those of the run"
    script:
        "../scripts/plot_comparison.py"


rule judge_claims:
    """Whether the metrics of the run support what the papers find."""
    input:
        metrics="<results>/summary/metrics.csv",
        missing="<results>/summary/metrics_missing.csv",
    output:
        table=shown("<results>/summary/claims.csv", "claims", "claims of the papers and their verdicts", None),
        markdown="<results>/summary/claims.md",
    log:
        "<logs>/summary/claims.log",
    conda:
        "../../envs/plot.yaml"
    params:
        claims=CLAIMS,
        units=units_of_metrics,
        code=code_of("judge_claims.py"),
    message:
        "Judging the claims of the papers"
    script:
        "../scripts/judge_claims.py"


rule plot_claims:
    """Effect and interval of each comparison behind a claim of a paper, and its verdict."""
    input:
        table="<results>/summary/claims.csv",
    output:
        png=shown("<results>/summary/claims_{paper}.png", "claims", "claims of {paper} and their verdicts", None),
        pdf="<results>/summary/claims_{paper}.pdf",
    log:
        "<logs>/summary/plot_claims_{paper}.log",
    conda:
        "../../envs/plot.yaml"
    params:
        paper="{paper}",
        title=lambda wildcards: title_of_study(wildcards.paper),
        code=code_of("plot_claims.py"),
    message:
        "Claims of {wildcards.paper} and their verdicts"
    script:
        "../scripts/plot_claims.py"


rule summarise_generators:
    """All generators of the run by everything that was measured of them."""
    input:
        tables=generator_tables,
        provenance=provenance_of_papers,
    output:
        table=shown("<results>/summary/generators.csv", "generator_summary", "all generators side by side", None),
        per_seed="<results>/summary/generators_per_seed.csv",
    log:
        "<logs>/summary/generators.log",
    conda:
        "../../envs/plot.yaml"
    params:
        papers=list(config["papers"]),
        cells=generator_entries,
        quantities=LEDGER["generators"],
        code=code_of("summarise_generators.py"),
    message:
        "All generators of the run side by side"
    script:
        "../scripts/summarise_generators.py"


rule plot_generator_summary:
    """All generators of the run, a panel per quantity."""
    input:
        table="<results>/summary/generators.csv",
        per_seed="<results>/summary/generators_per_seed.csv",
    output:
        png=shown("<results>/summary/generators.png", "generator_summary", "all generators side by side", None),
        pdf="<results>/summary/generators.pdf",
    log:
        "<logs>/summary/plot_generators.log",
    conda:
        "../../envs/plot.yaml"
    params:
        quantities=LEDGER["generators"],
        code=code_of("plot_generator_summary.py"),
    message:
        "Figure of all generators of the run"
    script:
        "../scripts/plot_generator_summary.py"

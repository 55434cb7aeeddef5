"""two_in_one: Table I, figures 4 and 5, the statistics of the scores; what any paper with scorers can have is in score.smk."""


localrules:  # seconds each
    two_in_one_tabulate_scores,


TARGETS["two_in_one"] = {
    **score_figures("two_in_one", table="table1_"),
    "split": "split.csv",
    "score_statistics": "score_statistics.csv",
}


rule two_in_one_tabulate_scores:
    """Text of section IV-B: the 20th percentile of the scores, and mean and deviation above it."""
    input:
        catalogue=f"{RESULTS}/data/{dataset_of_paper('two_in_one')}/catalogue.csv",
        provenance=provenance_of("two_in_one"),
        reported=REPORTED,
    output:
        table="<results>/two_in_one/score_statistics.csv",
    log:
        "<logs>/two_in_one/score_statistics.log",
    conda:
        "../../envs/plot.yaml"
    params:
        paper="two_in_one",
        code=code_of("tabulate_scores.py"),
    message:
        "Statistics of the scores"
    script:
        "../scripts/tabulate_scores.py"

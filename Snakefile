"""Five papers on machine-learned galaxy images: from raw images to their figures and tables.

snakemake --cores all                                        the run `demo`, everything
snakemake --cores all --configfile config/paper.yaml         the run `paper`
snakemake --cores all galaxy_zoo_cnn_fig5                    one figure
"""

from snakemake.utils import min_version

min_version("9.27")


# A configuration file given on the command line replaces the demo's, so that no demo setting leaks into another run.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/common_report.smk"
include: "workflow/rules/common_judgement.smk"
include: "workflow/rules/common_scores.smk"
include: "workflow/rules/common_fields.smk"
include: "workflow/rules/common_summary.smk"


if config["container"]:

    container: config["container"]


pathvars:
    results=RESULTS,
    logs=f"{RESULTS}/logs",
    benchmarks=f"{RESULTS}/benchmarks",


rule all:
    """Every figure and table of the run, and the record of how they were made."""
    default_target: True
    input:
        all_targets,


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/classify.smk"
include: "workflow/rules/generate.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/fields.smk"
include: "workflow/rules/augmentation.smk"


for paper in config["papers"]:

    include: figures_of(paper)


include: "workflow/rules/summary.smk"
include: "workflow/rules/provenance.smk"
include: "workflow/rules/overview.smk"


# Short names: `snakemake galaxy_zoo_cnn` makes all of a paper, `snakemake galaxy_zoo_cnn_fig5` one figure.
for name, files in short_targets().items():

    rule:
        name:
            name
        input:
            files,


onstart:
    begin()
    describe_start()

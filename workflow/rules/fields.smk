"""Generated star fields: measures and scores beside those of real ones, samples, and what autoencoders have learned.

For any paper with a section `generated_fields`. {number} is `fig2_` and the like where a paper has such a figure.
"""


localrules:  # seconds each
    tabulate_fields,
    tabulate_bounds,
    plot_field_samples,
    plot_vae_curves,
    plot_reconstructions,
    plot_traversals,


rule examine_vae:
    """Bounds, reconstructions and the effect of each dimension of one trained autoencoder."""
    input:
        view=view_of_experiment,
        split="<results>/{paper}/split.csv",
        model="<results>/{paper}/{experiment}/seed{seed}/model.pt",
    output:
        examined="<results>/{paper}/{experiment}/seed{seed}/examined.h5",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/examine_vae.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/examine_vae.tsv"
    wildcard_constraints:
        paper=CODED_PAPERS,
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
        gpu=GPUS,
    params:
        compute=compute_settings,
        precision=config["compute"]["precision"],
        code=experiment_code("examine_vae.py"),
    message:
        "Examining {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/examine_vae.py"


rule measure_fields:
    """Light, blobs and scores of the images of one generator."""
    input:
        view=view_of_experiment,
        split="<results>/{paper}/split.csv",
        generated="<results>/{paper}/{experiment}/seed{seed}/generated.h5",
        scorers=field_scorers,
    output:
        measured="<results>/{paper}/{experiment}/seed{seed}/fields.csv",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/measure_fields.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/measure_fields.tsv"
    wildcard_constraints:
        paper=FIELD_PAPERS,
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        names=field_scorer_names,
        frame=frame_of_paper,
        levels=makes_levels,
        compute={"device": "cpu"},  # one image at a time
        code=measuring_code,
    message:
        "Measuring the images of {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/measure_fields.py"


rule measure_real_fields:
    """The same of real images that no generator has seen, at the resolution of a view."""
    input:
        view=lambda wildcards: f"{RESULTS}/data/{dataset_of_paper(wildcards.paper)}/{wildcards.view}.h5",
        split="<results>/{paper}/split.csv",
        scorers=field_scorers,
    output:
        measured="<results>/{paper}/real_{view}.csv",
    log:
        "<logs>/{paper}/real_{view}.log",
    benchmark:
        "<benchmarks>/{paper}/real_{view}.tsv"
    wildcard_constraints:
        paper=FIELD_PAPERS,
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        names=field_scorer_names,
        frame=frame_of_paper,
        sets=fields_setting("real_sets"),
        pool=fields_setting("real_pool"),
        compute={"device": "cpu"},
        code=measuring_code,
    message:
        "Measuring real images of {wildcards.paper} as {wildcards.view}"
    script:
        "../scripts/measure_fields.py"


rule tabulate_fields:
    """Generated fields of all generators beside real ones, over seeds."""
    input:
        measured=files_of_entries(fields_by_seed, "fields.csv"),
        real=real_fields,
    output:
        table=shown(
            "<results>/{paper}/measured_fields.csv", "measured_fields", "generated star fields, measured and scored"
        ),
        per_seed="<results>/{paper}/measured_fields_per_seed.csv",
    log:
        "<logs>/{paper}/measured_fields.log",
    wildcard_constraints:
        paper=FIELD_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=entries_of(fields_by_seed),
        views=views_of_fields,
        names=field_scorer_names,
        code=code_of("tabulate_fields.py"),
    message:
        "Generated star fields of {wildcards.paper}"
    script:
        "../scripts/tabulate_fields.py"


rule tabulate_bounds:
    """Evidence lower bounds of all autoencoders on training and on held-out images, over seeds."""
    input:
        examined=files_of_entries(autoencoders_by_seed, "examined.h5"),
        histories=files_of_entries(autoencoders_by_seed, "history.csv"),
        provenance=provenance_of_wildcard,
        reported=REPORTED,
    output:
        table=shown("<results>/{paper}/bounds.csv", "bounds", "evidence lower bounds of the autoencoders"),
        per_seed="<results>/{paper}/bounds_per_seed.csv",
    log:
        "<logs>/{paper}/bounds.log",
    wildcard_constraints:
        paper=CODED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=entries_of(autoencoders_by_seed),
        paper="{paper}",
        reference=reference_autoencoder,
        code=code_of("tabulate_bounds.py"),
    message:
        "Bounds of the autoencoders of {wildcards.paper}"
    script:
        "../scripts/tabulate_bounds.py"


rule plot_field_samples:
    """Generated star fields below real ones."""
    input:
        generated=sampled_files,
        view=view_of_sampled,
        split="<results>/{paper}/split.csv",
    output:
        png=shown(
            "<results>/{paper}/{number}{kind}.png",
            "field_samples",
            "generated star fields below real ones",
            seeds="first",
        ),
    log:
        "<logs>/{paper}/{number}{kind}.log",
    wildcard_constraints:
        paper=FIELD_PAPERS,
        kind="vae_samples|vae_bad_latent|dcgan_samples",
    conda:
        "../../envs/plot.yaml"
    params:
        rows=sampled_rows,
        sets=of_sampled("train_on"),
        pool=of_sampled("pool"),
        notes=notes_of_sampled,
        code=code_of("plot_field_samples.py"),
    message:
        "Generated star fields of {wildcards.paper}: {wildcards.kind}"
    script:
        "../scripts/plot_field_samples.py"


rule plot_vae_curves:
    """The lower bound and its terms during the training of all comparable autoencoders."""
    input:
        histories=files_of_entries(alike_by_seed, "history.csv"),
        provenance=provenance_of_wildcard,
        reported=REPORTED,
    output:
        png=shown("<results>/{paper}/{number}vae_curves.png", "vae_curves", "training of the autoencoders"),
        pdf="<results>/{paper}/{number}vae_curves.pdf",
        table="<results>/{paper}/{number}vae_curves.csv",
    log:
        "<logs>/{paper}/{number}vae_curves.log",
    wildcard_constraints:
        paper=CODED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=entries_of(alike_by_seed),
        paper="{paper}",
        notes=notes_of_alike,
        code=code_of("plot_vae_curves.py"),
    message:
        "Training of the autoencoders of {wildcards.paper}"
    script:
        "../scripts/plot_vae_curves.py"


rule plot_reconstructions:
    """Held-out images and their reconstructions by all comparable autoencoders."""
    input:
        examined=files_of_entries(first_alike, "examined.h5"),
    output:
        png=shown(
            "<results>/{paper}/reconstructions.png",
            "reconstructions",
            "reconstructions by the autoencoders",
            seeds="first",
        ),
    log:
        "<logs>/{paper}/reconstructions.log",
    wildcard_constraints:
        paper=CODED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=entries_of(first_alike),
        notes=notes_of_alike,
        code=code_of("plot_reconstructions.py"),
    message:
        "Reconstructions by the autoencoders of {wildcards.paper}"
    script:
        "../scripts/plot_reconstructions.py"


rule plot_traversals:
    """What the most informative dimensions of the first autoencoder do."""
    input:
        examined=examined_first,
    output:
        png=shown(
            "<results>/{paper}/traversals.png", "traversals", "what the dimensions of the codes do", seeds="first"
        ),
    log:
        "<logs>/{paper}/traversals.log",
    wildcard_constraints:
        paper=CODED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        label=of_first_autoencoder("label"),
        differences=of_first_autoencoder("differences"),
        code=code_of("plot_traversals.py"),
    message:
        "Dimensions of the first autoencoder of {wildcards.paper}"
    script:
        "../scripts/plot_traversals.py"

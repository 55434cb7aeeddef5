"""Generated images: trained generators to images, their fidelity and figures. Comparisons are of conditional ones.

{number} is `fig2_` and the like where a paper has such a figure, else empty.
"""


localrules:  # seconds each
    plot_real_vs_generated,
    plot_conditional_scaling,
    plot_generators,


rule generate:
    """Images of one trained generator: one for the labels of every image of the split, or as many as are compared."""
    input:
        view=view_of_experiment,
        split="<results>/{paper}/split.csv",
        model="<results>/{paper}/{experiment}/seed{seed}/model.pt",
    output:
        generated="<results>/{paper}/{experiment}/seed{seed}/generated.h5",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/generate.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/generate.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
        gpu=GPUS,
    params:
        example_conditions=example_conditions,
        samples=samples_of_generator,
        compute=compute_settings,
        precision=config["compute"]["precision"],
        code=experiment_code("generate.py"),
    message:
        "Generating with {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/generate.py"


rule measure_fidelity:
    """Fluxes of generated images against their labels, and what the predictors see."""
    input:
        view=view_of_generators,
        generated=generated_files,
    output:
        correlations=shown(
            "<results>/{paper}/{number}flux_correlations.csv", "flux_correlations", "correlation of fluxes with labels"
        ),
        errors=shown("<results>/{paper}/{number}predictor_errors.csv", "predictor_errors", "errors of the predictors"),
    log:
        "<logs>/{paper}/{number}fidelity.log",
    benchmark:
        "<benchmarks>/{paper}/{number}fidelity.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        trainings=generators_by_seed_of,
        layout=layout_of_paper,
        code=photometry_code("measure_fidelity.py"),
    message:
        "Measuring the generated images of {wildcards.paper}"
    script:
        "../scripts/measure_fidelity.py"


rule compare_generators:
    """Diversity, checkerboards, memorisation and pixel values of all generators."""
    input:
        view=view_of_generators,
        generated=generated_files,
    output:
        table=shown("<results>/{paper}/generators.csv", "generators", "generators compared"),
        per_seed="<results>/{paper}/generators_per_seed.csv",
    log:
        "<logs>/{paper}/generators.log",
    benchmark:
        "<benchmarks>/{paper}/generators.tsv"
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        trainings=generators_by_seed_of,
        code=code_of("compare_generators.py"),
    message:
        "Comparing the generators of {wildcards.paper}"
    script:
        "../scripts/compare_generators.py"


rule plot_real_vs_generated:
    """Real and generated images of like labels."""
    input:
        view=view_of_generators,
        generated=shown_generated,
    output:
        png=shown(
            "<results>/{paper}/{number}real_vs_gan.png", "generated_images", "real and generated images", seeds="first"
        ),
    log:
        "<logs>/{paper}/{number}real_vs_gan.log",
    conda:
        "../../envs/plot.yaml"
    params:
        label=shown_generator("label"),
        differences=shown_generator("differences"),
        code=code_of("plot_real_vs_generated.py"),
    message:
        "Real and generated images of {wildcards.paper}"
    script:
        "../scripts/plot_real_vs_generated.py"


rule plot_conditional_scaling:
    """Do generated images change with their labels as real ones do?"""
    input:
        view=view_of_generators,
        generated=shown_generated,
        correlations="<results>/{paper}/{number}flux_correlations.csv",
    output:
        png=shown(
            "<results>/{paper}/{number}conditional_scaling.png",
            "conditional_scaling",
            "images and fluxes against labels",
            seeds="first",
        ),
    log:
        "<logs>/{paper}/{number}conditional_scaling.log",
    conda:
        "../../envs/plot.yaml"
    params:
        experiment=shown_generator("experiment"),
        label=shown_generator("label"),
        differences=shown_generator("differences"),
        layout=layout_of_paper,
        code=photometry_code("plot_conditional_scaling.py"),
    message:
        "Images and fluxes of {wildcards.paper} against labels"
    script:
        "../scripts/plot_conditional_scaling.py"


rule plot_generators:
    """All generators side by side."""
    input:
        view=view_of_generators,
        generated=first_generated,
        per_seed="<results>/{paper}/generators_per_seed.csv",
    output:
        png=shown("<results>/{paper}/generators.png", "generators", "generators side by side", seeds="first"),
    log:
        "<logs>/{paper}/plot_generators.log",
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=first_seeds_of,
        notes=lambda wildcards: notes_of(first_seeds_of(wildcards)),
        code=code_of("plot_generators.py"),
    message:
        "Generators of {wildcards.paper} side by side"
    script:
        "../scripts/plot_generators.py"

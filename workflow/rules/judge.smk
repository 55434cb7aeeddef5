"""The judgement of generators: a classifier sorts real and generated images; balance, distances, nearest neighbours.

For any paper with a section `judgement`. {number} is `fig3_` and the like where a paper has such a figure, else empty.
"""


localrules:  # seconds each
    tabulate_mode_balance,
    plot_mode_balance,
    tabulate_neighbours,
    plot_neighbours,
    plot_neighbour_distances,
    tabulate_judgement,
    plot_judgement,
    plot_samples,
    plot_progress,
    plot_gan_curves,


rule judge_real:
    """What the judges say of the real images that generators are trained on."""
    input:
        judge=judge_models,
        view=view_of_judged,
        split="<results>/{paper}/split.csv",
    output:
        judged="<results>/{paper}/judged_real.h5",
    log:
        "<logs>/{paper}/judge_real.log",
    benchmark:
        "<benchmarks>/{paper}/judge_real.tsv"
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
        gpu=GPUS,
    params:
        sets=sets_of_judged,
        compute=compute_settings,
        precision=config["compute"]["precision"],
        code=judge_code,
    message:
        "Judging the real images of {wildcards.paper}"
    script:
        "../scripts/judge.py"


rule judge_generated:
    """What the judges say of the images of one trained generator."""
    input:
        judge=judge_models,
        view=view_of_judged,
        generated="<results>/{paper}/{experiment}/seed{seed}/generated.h5",
    output:
        judged="<results>/{paper}/{experiment}/seed{seed}/judged.h5",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/judge.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/judge.tsv"
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
        gpu=GPUS,
    params:
        compute=compute_settings,
        precision=config["compute"]["precision"],
        code=judge_code,
    message:
        "Judging images of {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/judge.py"


rule tabulate_mode_balance:
    """Numbers of images in each class, real and generated, and how far the two are apart."""
    input:
        real="<results>/{paper}/judged_real.h5",
        judged=of_judged("judged.h5"),
    output:
        table=shown(
            "<results>/{paper}/{number}mode_balance.csv", "mode_balance", "images of each class, real and generated"
        ),
    log:
        "<logs>/{paper}/{number}mode_balance_table.log",
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=judged_trainings,
        samples=judgement_of("samples"),
        repeats=judgement_of("repeats"),
        code=code_of("tabulate_mode_balance.py"),
    message:
        "Classes of the images of {wildcards.paper}"
    script:
        "../scripts/tabulate_mode_balance.py"


rule plot_mode_balance:
    """Bars of the classes of real and generated images."""
    input:
        table="<results>/{paper}/{number}mode_balance.csv",
        metrics="<results>/{paper}/classifier_metrics.csv",
    output:
        png=shown(
            "<results>/{paper}/{number}mode_balance.png", "mode_balance", "images of each class, real and generated"
        ),
        pdf="<results>/{paper}/{number}mode_balance.pdf",
    log:
        "<logs>/{paper}/{number}mode_balance.log",
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        judge=judgement_of("experiment"),
        differences=notes_of_judgement,
        code=code_of("plot_mode_balance.py"),
    message:
        "Mode balance of {wildcards.paper}"
    script:
        "../scripts/plot_mode_balance.py"


rule find_real_neighbours:
    """The training images that are nearest to others of them."""
    input:
        view=view_of_judged,
        real="<results>/{paper}/judged_real.h5",
    output:
        found="<results>/{paper}/real_neighbours.h5",
    log:
        "<logs>/{paper}/real_neighbours.log",
    benchmark:
        "<benchmarks>/{paper}/real_neighbours.tsv"
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        neighbours=judgement_of("neighbours"),
        code=code_of("find_neighbours.py"),
    message:
        "Nearest neighbours among the training images of {wildcards.paper}"
    script:
        "../scripts/find_neighbours.py"


rule find_neighbours:
    """The training images that are nearest to images of one trained generator."""
    input:
        view=view_of_judged,
        real="<results>/{paper}/judged_real.h5",
        generated="<results>/{paper}/{experiment}/seed{seed}/generated.h5",
        judged="<results>/{paper}/{experiment}/seed{seed}/judged.h5",
    output:
        found="<results>/{paper}/{experiment}/seed{seed}/neighbours.h5",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/neighbours.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/neighbours.tsv"
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        neighbours=judgement_of("neighbours"),
        code=code_of("find_neighbours.py"),
    message:
        "Nearest training images of {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/find_neighbours.py"


rule tabulate_neighbours:
    """Are generated images copies? Distances to the nearest training image."""
    input:
        real="<results>/{paper}/real_neighbours.h5",
        found=of_judged("neighbours.h5"),
    output:
        table=shown(
            "<results>/{paper}/{number}nn_distances.csv", "nearest_neighbours", "tests for copies of training images"
        ),
    log:
        "<logs>/{paper}/{number}nn_distances_table.log",
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=judged_trainings,
        code=code_of("tabulate_neighbours.py"),
    message:
        "Distances to the nearest training images of {wildcards.paper}"
    script:
        "../scripts/tabulate_neighbours.py"


rule plot_neighbours:
    """Generated images beside the nearest training images, by pixels and by features of the judge."""
    input:
        view=view_of_judged,
        generated=of_first_judged("generated.h5"),
        found=of_first_judged("neighbours.h5"),
        real="<results>/{paper}/real_neighbours.h5",
        table="<results>/{paper}/{number}nn_distances.csv",  # so that whoever asks for the figure has the test, too
    output:
        pixels=shown(
            "<results>/{paper}/{number}nearest_neighbours.png",
            "nearest_neighbours",
            "nearest training images by pixels",
            seeds="first",
        ),
        features=shown(
            "<results>/{paper}/{number}nearest_neighbours_features.png",
            "nearest_neighbours",
            "nearest training images by features of the judge",
            seeds="first",
        ),
    log:
        "<logs>/{paper}/{number}nearest_neighbours.log",
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=first_judged_trainings,
        shown=judgement_of("shown"),
        differences=notes_of_judgement,
        code=code_of("plot_neighbours.py"),
    message:
        "Nearest training images of {wildcards.paper}"
    script:
        "../scripts/plot_neighbours.py"


rule plot_neighbour_distances:
    """Distributions of the distances to the nearest training image."""
    input:
        real="<results>/{paper}/real_neighbours.h5",
        found=of_judged("neighbours.h5"),
    output:
        png=shown(
            "<results>/{paper}/{number}nn_distances.png",
            "nearest_neighbours",
            "distances to the nearest training images",
        ),
        pdf="<results>/{paper}/{number}nn_distances.pdf",
    log:
        "<logs>/{paper}/{number}nn_distances.log",
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=judged_trainings,
        differences=notes_of_judgement,
        code=code_of("plot_neighbour_distances.py"),
    message:
        "Distances to the nearest training images of {wildcards.paper}"
    script:
        "../scripts/plot_neighbour_distances.py"


rule compare_real:
    """Distances of real images to other real ones: what a perfect generator would have."""
    input:
        real="<results>/{paper}/judged_real.h5",
    output:
        distances="<results>/{paper}/judgement_floor.csv",
    log:
        "<logs>/{paper}/judgement_floor.log",
    benchmark:
        "<benchmarks>/{paper}/judgement_floor.tsv"
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        samples=judgement_of("samples"),
        repeats=judgement_of("repeats"),
        neighbours=judgement_of("neighbours"),
        code=code_of("compare_distributions.py"),
    message:
        "Comparing real images of {wildcards.paper} with others"
    script:
        "../scripts/compare_distributions.py"


rule compare_generated:
    """Distances of the images of one trained generator to real ones."""
    input:
        real="<results>/{paper}/judged_real.h5",
        generated="<results>/{paper}/{experiment}/seed{seed}/judged.h5",
    output:
        distances="<results>/{paper}/{experiment}/seed{seed}/judgement.csv",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/judgement.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/judgement.tsv"
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        samples=judgement_of("samples"),
        repeats=judgement_of("repeats"),
        neighbours=judgement_of("neighbours"),
        code=code_of("compare_distributions.py"),
    message:
        "Comparing images of {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}, with real ones"
    script:
        "../scripts/compare_distributions.py"


rule tabulate_judgement:
    """Distances of all generators to real images, over seeds."""
    input:
        floor="<results>/{paper}/judgement_floor.csv",
        distances=of_judged("judgement.csv"),
    output:
        table=shown("<results>/{paper}/judgement.csv", "judgement", "distances to real images"),
        per_seed="<results>/{paper}/judgement_per_seed.csv",
    log:
        "<logs>/{paper}/judgement_table.log",
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        trainings=judged_trainings,
        code=code_of("tabulate_judgement.py"),
    message:
        "Distances of the generators of {wildcards.paper} to real images"
    script:
        "../scripts/tabulate_judgement.py"


rule plot_judgement:
    """Distances of all generators to real images, a panel per metric."""
    input:
        table="<results>/{paper}/judgement.csv",
        per_seed="<results>/{paper}/judgement_per_seed.csv",
        metrics="<results>/{paper}/classifier_metrics.csv",
    output:
        png=shown("<results>/{paper}/judgement.png", "judgement", "distances to real images"),
        pdf="<results>/{paper}/judgement.pdf",
    log:
        "<logs>/{paper}/judgement.log",
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        neighbours=judgement_of("neighbours"),
        judge=judgement_of("experiment"),
        differences=notes_of_judgement,
        code=code_of("plot_judgement.py"),
    message:
        "Judgement of the generators of {wildcards.paper}"
    script:
        "../scripts/plot_judgement.py"


rule plot_samples:
    """Images of one generator as they come, beside real ones."""
    input:
        view=view_of_judged,
        split="<results>/{paper}/split.csv",
        generated=first_seed_of_generator,
    output:
        png=shown("<results>/{paper}/samples_{experiment}.png", "samples", "images", seeds="first"),
    log:
        "<logs>/{paper}/samples_{experiment}.log",
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        label=label_of_generator,
        differences=changes_of_experiment,
        code=code_of("plot_samples.py"),
    message:
        "Samples of {wildcards.experiment} of {wildcards.paper}"
    script:
        "../scripts/plot_samples.py"


rule plot_progress:
    """What one generator made of the same noise as its training went on."""
    input:
        view=view_of_judged,
        generated=first_seed_of_generator,
    output:
        png=shown(
            "<results>/{paper}/progress_{experiment}.png", "progress", "images during the training", seeds="first"
        ),
    log:
        "<logs>/{paper}/progress_{experiment}.log",
    wildcard_constraints:
        paper=JUDGED_PAPERS,
    conda:
        "../../envs/plot.yaml"
    params:
        label=label_of_generator,
        differences=changes_of_experiment,
        code=code_of("plot_progress.py"),
    message:
        "Training of {wildcards.experiment} of {wildcards.paper} in images"
    script:
        "../scripts/plot_progress.py"


rule plot_gan_curves:
    """Losses, probabilities and diversity during the training of one GAN, all seeds."""
    input:
        histories=histories_of_generator,
        provenance=provenance_of_wildcard,
    output:
        png=shown("<results>/{paper}/curves_{experiment}.png", "gan_curves", "training curves"),
        pdf="<results>/{paper}/curves_{experiment}.pdf",
    log:
        "<logs>/{paper}/curves_{experiment}.log",
    wildcard_constraints:
        paper=f"{JUDGED_PAPERS}|{FIELD_PAPERS}",
    conda:
        "../../envs/plot.yaml"
    params:
        title=label_of_generator,
        differences=changes_of_experiment,
        code=code_of("plot_gan_curves.py"),
    message:
        "Training of {wildcards.experiment} of {wildcards.paper} in curves"
    script:
        "../scripts/plot_gan_curves.py"


rule measure_step_cost:
    """Time and memory of a training step of two experiments, on the same networks and as configured."""
    output:
        output=shown("<results>/{paper}/step_cost.csv", "step_cost", "time and memory of a training step", seeds=None),
    log:
        "<logs>/{paper}/step_cost.log",
    benchmark:
        "<benchmarks>/{paper}/step_cost.tsv"
    wildcard_constraints:
        paper=COMPARED_PAPERS,
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(16000),
        runtime=growing(60),
        gpu=GPUS,
    params:
        experiments=compared_steps,
        reference=step_cost_of("reference"),
        model=step_cost_of("model"),
        size=images_of_steps("size"),
        channels=images_of_steps("channels"),
        steps=step_cost_of("steps"),
        seed=lambda wildcards: seeds_of(wildcards.paper)[0],
        compute=compute_settings,
        precision=config["compute"]["precision"],
        code=step_cost_code,
    message:
        "Cost of the training steps of {wildcards.paper}"
    script:
        "../scripts/measure_step_cost.py"

"""morpho_gan: figures 3 and 4, which any paper with judged generators can have; the classifier; the cost of a step."""

TARGETS["morpho_gan"] = {
    **judgement_figures("morpho_gan", balance="fig3_", neighbours="fig4_"),
    **classifier_figures("morpho_gan"),
    **({"step_cost": "step_cost.csv"} if len(compared_steps()) == len(COMPARED_STEPS) else {}),
    "split": "split.csv",
}


rule measure_step_cost:
    """Time and memory of a step of Dist-GAN and of Morpho-GAN, on the same networks and as configured."""
    output:
        output=report("<results>/morpho_gan/step_cost.csv", category="morpho_gan", caption="../report/step_cost.rst"),
    log:
        "<logs>/morpho_gan/step_cost.log",
    benchmark:
        "<benchmarks>/morpho_gan/step_cost.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(16000),
        runtime=growing(60),
        gpu=GPUS,
    params:
        experiments=compared_steps(),
        size=images_of_steps()["size"],
        channels=images_of_steps()["channels"],
        steps=STEPS_TIMED,
        seed=seeds_of("morpho_gan")[0],
        compute=compute_settings,
        precision=config["compute"]["precision"],
        code=code_of(
            "measure_step_cost.py",
            "galaxies.step_cost:print_peak_memory",
            *sorted(set().union(*map(modules_of, compared_steps().values()))),
        ),
    message:
        "Cost of the training steps of morpho_gan"
    script:
        "../scripts/measure_step_cost.py"

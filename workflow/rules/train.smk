"""Training: a view, a split and an experiment's settings to weights and a history; one rule for all papers."""


rule train:
    """Train one experiment with one seed; continues from its checkpoint when it was interrupted."""
    input:
        view=view_of_experiment,
        split="<results>/{paper}/split.csv",
        pretrained=pretrained_weights,
        generator=model_of("generator"),
        initial=model_of("initialise_from"),
    output:
        model="<results>/{paper}/{experiment}/seed{seed}/model.pt",
        history="<results>/{paper}/{experiment}/seed{seed}/history.csv",
        cost="<results>/{paper}/{experiment}/seed{seed}/cost.json",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/train.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/train.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(16000),
        runtime=720,  # minutes
        gpu=GPUS,
    params:
        experiment=training_settings,
        seed=lambda wildcards: int(wildcards.seed),
        name="{paper}/{experiment}/seed{seed}",
        compute=compute_settings,
        precision=config["compute"]["precision"],
        checkpoints=checkpoint_folder,
        code=experiment_code("train.py"),
    message:
        "Training {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/train.py"

"""Evaluation: trained models and simple baselines to predictions and errors."""


rule predict:
    """Predict the labels of every image of the split with one trained model."""
    input:
        view=view_of_experiment,
        split="<results>/{paper}/split.csv",
        model="<results>/{paper}/{experiment}/seed{seed}/model.pt",
    output:
        predictions="<results>/{paper}/{experiment}/seed{seed}/predictions.h5",
    log:
        "<logs>/{paper}/{experiment}/seed{seed}/predict.log",
    benchmark:
        "<benchmarks>/{paper}/{experiment}/seed{seed}/predict.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
        gpu=GPUS,
    params:
        experiment=training_settings,
        compute=compute_settings,
        precision=config["compute"]["precision"],
        code=experiment_code("predict.py"),
    message:
        "Predicting with {wildcards.experiment} of {wildcards.paper}, seed {wildcards.seed}"
    script:
        "../scripts/predict.py"

"""Data: from a folder, an archive or a simulator to a checked catalogue, splits and packed HDF5 views."""


localrules:
    fetch_imagenet_weights,
    split_dataset,


rule simulate_gz2:
    """Simulated galaxies in the layout of the Galaxy Challenge."""
    output:
        images=directory("<results>/data/gz2_kaggle/simulated/images_training_rev1"),
        solutions="<results>/data/gz2_kaggle/simulated/training_solutions_rev1.csv",
    log:
        "<logs>/data/gz2_kaggle/simulate.log",
    benchmark:
        "<benchmarks>/data/gz2_kaggle/simulate.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        number=config["data"].get("gz2_kaggle", {}).get("simulate", {}).get("images"),
        seed=config["data"].get("gz2_kaggle", {}).get("simulate", {}).get("seed"),
        code=code_of("simulate_gz2.py"),
    message:
        "Simulating {params.number} galaxies"
    script:
        "../scripts/simulate_gz2.py"


rule prepare_catalogue:
    """Check the label tables, join them by id and match them with the images."""
    input:
        images=dataset_images,
        labels=dataset_labels,
    output:
        catalogue="<results>/data/{dataset}/catalogue.csv",
        provenance="<results>/data/{dataset}/provenance.json",
    log:
        "<logs>/data/{dataset}/catalogue.log",
    benchmark:
        "<benchmarks>/data/{dataset}/catalogue.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        dataset="{dataset}",
        source=lookup("data/{dataset}/source", within=config),
        tables=lookup("data/{dataset}/labels", within=config),
        unmatched=lookup("data/{dataset}/unmatched", within=config),
        code=code_of("prepare_catalogue.py"),
    message:
        "Checking the labels of {wildcards.dataset}"
    script:
        "../scripts/prepare_catalogue.py"


rule split_dataset:
    """Choose the training, validation and test images of a paper."""
    input:
        catalogue=catalogue_of_paper,
    output:
        split="<results>/{paper}/split.csv",
    log:
        "<logs>/{paper}/split.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        selection=lookup("papers/{paper}/split/selection", within=config),
        sizes=lookup("papers/{paper}/split/sizes", within=config),
        seed=lookup("papers/{paper}/split/seed", within=config),
        code=code_of("split_dataset.py"),
    message:
        "Splitting the images of {wildcards.paper}"
    script:
        "../scripts/split_dataset.py"


rule pack_view:
    """Decode, crop and resize all images of a data set into one HDF5 file."""
    input:
        images=dataset_images,
        catalogue="<results>/data/{dataset}/catalogue.csv",
        provenance="<results>/data/{dataset}/provenance.json",
        splits=dataset_splits,
    output:
        view="<results>/data/{dataset}/{view}.h5",
    log:
        "<logs>/data/{dataset}/{view}.log",
    benchmark:
        "<benchmarks>/data/{dataset}/{view}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        name="{view}",
        papers=dataset_papers,
        crop=view_crop,
        size=view_size,
        frame=lookup("data/{dataset}/frame", within=config),
        code=code_of("pack_view.py"),
    message:
        "Packing {wildcards.dataset} as {wildcards.view}"
    script:
        "../scripts/pack_view.py"


rule fetch_imagenet_weights:
    """Download torchvision's ResNet-50 weights once and check their digest."""
    output:
        weights="resources/imagenet/resnet50-0676ba61.pth",
    log:
        "<logs>/data/imagenet_weights.log",
    conda:
        "../../envs/torch.yaml"
    params:
        code=code_of("fetch_imagenet_weights.py"),
    message:
        "Downloading ImageNet weights of ResNet-50"
    script:
        "../scripts/fetch_imagenet_weights.py"

"""Data: downloaded, from a folder, or simulated; to a checked catalogue, packed HDF5 views, splits and a data card."""


localrules:  # seconds each
    split_dataset,
    plot_card,


if not config["downloads_as_jobs"]:  # compute nodes often have no network

    localrules:
        fetch_file,
        fetch_imagenet_weights,


rule data:
    """Catalogue, views and card of every data set of the run, and published weights that its trainings start from."""
    input:
        data_targets,
        all_pretrained_weights,


rule fetch_file:
    """Download one published file once; it stays in resources/ for all runs. No parameter makes it download again."""
    output:
        path="resources/{layout}/{file}",
    log:
        "<logs>/data/{layout}/fetch_{file}.log",
    wildcard_constraints:
        layout="[a-z0-9_]+_[a-z0-9_]+",  # also of data sets that the run does not configure
        file=r"[^.].*",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(600),
    params:
        layout="{layout}",
        name="{file}",
    message:
        "Downloading {wildcards.file} of {wildcards.layout}"
    script:
        "../scripts/fetch_file.py"


rule simulate_dataset:
    """Simulated objects in the published layout of a data set."""
    output:
        folder=directory("<results>/data/{dataset}/simulated"),
    log:
        "<logs>/data/{dataset}/simulate.log",
    benchmark:
        "<benchmarks>/data/{dataset}/simulate.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        dataset="{dataset}",
        layout=lookup("{dataset}/layout", within=config["data"]),
        simulate=lookup("{dataset}/simulate", within=config["data"]),
        code=dataset_code("simulate_dataset.py", "simulator:simulate"),
    message:
        "Simulating {wildcards.dataset}"
    script:
        "../scripts/simulate_dataset.py"


checkpoint prepare_catalogue:
    """Check the labels, join them by id and match them with the images. How many there are decides how they are packed."""
    input:
        files=dataset_files,
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
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        folder=dataset_folder,
        dataset="{dataset}",
        layout=lookup("{dataset}/layout", within=config["data"]),
        source=lookup("{dataset}/source", within=config["data"]),
        unmatched=lookup("{dataset}/unmatched", within=config["data"]),
        settings=reader_settings,
        code=dataset_code("prepare_catalogue.py", "files:find", "images:open_images", "labels:read_labels"),
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
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        selection=lookup("papers/{paper}/split/selection", within=config),
        sizes=lookup("papers/{paper}/split/sizes", within=config),
        seed=lookup("papers/{paper}/split/seed", within=config),
        code=code_of("split_dataset.py"),
    message:
        "Splitting the images of {wildcards.paper}"
    script:
        "../scripts/split_dataset.py"


rule pack_shard:
    """Pack some of the images of a data set that is larger than data.<dataset>.shard_images."""
    input:
        files=dataset_files,
        catalogue="<results>/data/{dataset}/catalogue.csv",
        provenance="<results>/data/{dataset}/provenance.json",
    output:
        view="<results>/data/{dataset}/shards/{view}/{shard}of{shards}.h5",
    log:
        "<logs>/data/{dataset}/{view}_{shard}of{shards}.log",
    benchmark:
        "<benchmarks>/data/{dataset}/{view}_{shard}of{shards}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        folder=dataset_folder,
        dataset="{dataset}",
        layout=lookup("{dataset}/layout", within=config["data"]),
        name="{view}",
        settings=reader_settings,
        shard=shard_number,
        code=dataset_code("pack_view.py", "files:find", "images:open_images", "images:projection"),
    message:
        "Packing {wildcards.dataset} as {wildcards.view}, part {wildcards.shard} of {wildcards.shards}"
    script:
        "../scripts/pack_view.py"


rule pack_view:
    """Decode, crop and resize all images of a data set into one HDF5 file; or join its shards if it is large."""
    input:
        files=dataset_files,
        catalogue="<results>/data/{dataset}/catalogue.csv",
        provenance="<results>/data/{dataset}/provenance.json",
        shards=shards_of_view,
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
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        folder=dataset_folder,
        dataset="{dataset}",
        layout=lookup("{dataset}/layout", within=config["data"]),
        name="{view}",
        settings=reader_settings,
        code=dataset_code("pack_view.py", "files:find", "images:open_images", "images:projection"),
    message:
        "Packing {wildcards.dataset} as {wildcards.view}"
    script:
        "../scripts/pack_view.py"


rule describe_data:
    """Data card: counts, ranges, labels, missing and repeated objects, digests, source, licence."""
    input:
        catalogue="<results>/data/{dataset}/catalogue.csv",
        provenance="<results>/data/{dataset}/provenance.json",
        views=views_of_dataset_files,
    output:
        card="<results>/data/{dataset}/card.json",
        samples="<results>/data/{dataset}/samples.h5",
    log:
        "<logs>/data/{dataset}/card.log",
    benchmark:
        "<benchmarks>/data/{dataset}/card.tsv"
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        dataset="{dataset}",
        layout=lookup("{dataset}/layout", within=config["data"]),
        code=dataset_code("describe_data.py", "card"),
    message:
        "Describing {wildcards.dataset}"
    script:
        "../scripts/describe_data.py"


rule plot_card:
    """One page on a data set: some of its images and the distributions of its labels."""
    input:
        card="<results>/data/{dataset}/card.json",
        samples="<results>/data/{dataset}/samples.h5",
        catalogue="<results>/data/{dataset}/catalogue.csv",
    output:
        png=shown("<results>/data/{dataset}/card.png", "data_card", "page on the data set {dataset}", seeds=None),
    log:
        "<logs>/data/{dataset}/card_figure.log",
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(10),
    params:
        code=code_of("plot_card.py"),
    message:
        "Page on {wildcards.dataset}"
    script:
        "../scripts/plot_card.py"


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

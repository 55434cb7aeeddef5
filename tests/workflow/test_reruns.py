"""Only what changed reruns: seen in dry runs over a finished tiny run."""

import os
import re
import time

import pytest

pytestmark = pytest.mark.slow


def test_nothing_to_do_after_a_run(finished):
    assert finished.planned() == []


def test_plan_is_read_from_the_dry_run(checkout):
    """The other tests would pass unseen if planned jobs were not found."""
    planned = checkout.planned()
    # Four approaches; generators for all images, for training images and for 16 of these; five arms, two for 16 images;
    # a judge; and of one seed two generators without labels, two with scorers of their own, two regressions of scores,
    # a GAN whose discriminator scores and two autoencoders.
    assert planned.count("train") == 2 * (4 + 3 + 5 + 2 + 1) + 2 + 2 + 3 + 2
    assert planned.count("pack_view") == 10


def test_comment_in_a_loss_reruns_nothing(finished):
    with finished.edit("galaxies/losses.py", "\ndef ", "\n# a remark\ndef "):
        assert finished.planned() == []


def test_comment_in_a_script_reruns_nothing(finished):
    with finished.edit("train.py", "\ndef main(", "\n# a remark\ndef main("):
        assert finished.planned() == []


def test_changed_loss_retrains_what_uses_it(finished):
    with finished.edit("galaxies/losses.py", "return ", "return 2 * "):
        planned = finished.planned()
    assert planned.count("train") == planned.count("predict") == 8
    assert planned.count("galaxy_zoo_cnn_plot_learning_curves") == 4
    assert not {"simulate_dataset", "pack_view", "prepare_catalogue", "split_dataset"} & set(planned)


def test_changed_architecture_retrains_its_experiments_alone(finished):
    with finished.edit("galaxies/models/resnet50.py", "FEATURES = 2048", "FEATURES = 2 * 1024"):
        assert finished.planned().count("train") == 2


def test_changed_loss_of_gans_retrains_them_alone(finished):
    with finished.edit("galaxies/gan_losses.py", "return softplus(-logits)", "return 2 * softplus(-logits)"):
        trained = re.findall(r"Training (\w+) of \w+, seed", finished.dry_run())
    assert sorted(trained) == ["dcgan", "dcgan", "morpho_gan"]


def test_changed_bound_of_autoencoders_retrains_them_alone(finished):
    with finished.edit("galaxies/losses.py", "return -0.5 * (1", "return -0.25 * (2"):
        trained = re.findall(r"Training (\w+) of \w+, seed", finished.dry_run())
    assert sorted(trained) == ["vae_h100_z35", "vae_z64"]


def test_changed_inputs_of_the_judge_retrain_it_and_judge_anew(finished):
    with finished.edit("galaxies/data/morphology_inputs.py", "LEVELS = 255 ", "LEVELS = 256 "):
        text = finished.dry_run()
        planned = finished.planned()
    assert sorted(re.findall(r"Training (\w+) of \w+, seed (\d)", text)) == [("resnet26", "0"), ("resnet26", "1")]
    assert {"classify", "judge_real", "judge_generated", "find_neighbours", "tabulate_mode_balance"} <= set(planned)
    assert "generate" not in planned


def test_changed_plot_redraws_its_figures_and_trains_nothing(finished):
    with finished.edit("galaxies/plots.py", "linewidth=1.8", "linewidth=1.9"):
        planned = finished.planned()
    assert planned.count("galaxy_zoo_cnn_plot_learning_curves") == 4
    assert all("plot" in rule for rule in planned)
    with finished.edit("plot_rmse.py", 'xlabel="RMSE"', 'xlabel="root mean squared error"'):
        assert finished.planned() == ["galaxy_zoo_cnn_plot_rmse"]


def test_changed_epochs_retrain_one_experiment(finished):
    text = (finished.folder / "tiny.yaml").read_text()
    other = finished.folder / "other.yaml"
    other.write_text(text.replace("approach2: {epochs: 2", "approach2: {epochs: 3"))
    text = finished.dry_run(configfile="other.yaml")
    trained = re.findall(r"Training (\w+) of galaxy_zoo_cnn, seed (\d)", text)
    assert sorted(trained) == [("approach2", "0"), ("approach2", "1")]


def test_a_new_seed_trains_itself_alone(finished):
    text = (finished.folder / "tiny.yaml").read_text()
    (finished.folder / "seeds.yaml").write_text(text.replace("seeds: [0, 1]", "seeds: [0, 1, 2]"))
    trained = re.findall(r"Training (\w+) of \w+, seed (\d)", finished.dry_run(configfile="seeds.yaml"))
    assert {seed for _, seed in trained} == {"2"}
    assert len(trained) == len(set(trained)) == 4 + 3 + 5 + 2 + 1


def test_a_new_arm_trains_itself_alone(finished):
    text = (finished.folder / "tiny.yaml").read_text()
    (finished.folder / "arms.yaml").write_text(text.replace("real_geometric: null", "real_geometric: {sizes: [all]}"))
    trained = re.findall(r"Training (\w+) of \w+, seed (\d)", finished.dry_run(configfile="arms.yaml"))
    assert sorted(trained) == [("real_geometric", "0"), ("real_geometric", "1")]


def test_a_changed_generator_retrains_what_uses_it(finished):
    text = (finished.folder / "tiny.yaml").read_text()
    other = text.replace("cgan_train_only: *gan", "cgan_train_only: {<<: *gan, steps: 3}")
    (finished.folder / "generator.yaml").write_text(other)
    trained = re.findall(r"Training (\w+) of \w+, seed 0", finished.dry_run(configfile="generator.yaml"))
    assert sorted(trained) == [
        "cgan_train_only",
        "cgan_train_only_n16",
        "gan_only",
        "gan_only_n16",
        "gan_pretraining",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("threads: 1", "threads: 1, placement: disk, log_seconds: 3, device: cpu", set()),
        ("threads: 1", "threads: 1, precision: bfloat16", {"train", "predict"}),
        ("seed: 3", "seed: 4", {"simulate_dataset", "prepare_catalogue", "pack_view", "train"}),
        ("seeds: [0, 1]", "seeds: [0, 1, 2]", {"train", "predict"}),
    ],
)
def test_each_key_reruns_what_reads_it(finished, old, new, expected):
    text = (finished.folder / "tiny.yaml").read_text()
    assert old in text
    (finished.folder / "changed.yaml").write_text(text.replace(old, new))
    planned = set(finished.planned(configfile="changed.yaml"))
    assert planned >= expected
    if not {"simulate_dataset", "train"} & expected:
        assert planned == expected


def test_one_figure_and_its_short_name_are_the_same_request(finished):
    figure = finished.folder / "results/tiny/galaxy_zoo_cnn/fig5_approach2.png"
    before, size = figure.stat().st_mtime_ns, figure.stat().st_size
    with finished.edit("plot_learning_curves.py", 'xlabel="Epoch"', 'xlabel="Epochs done"'):
        for target in ("galaxy_zoo_cnn_fig5", "results/tiny/galaxy_zoo_cnn/fig5_approach2.png"):
            assert finished.planned(target) == ["galaxy_zoo_cnn_plot_learning_curves"]
        assert finished.snakemake("galaxy_zoo_cnn_fig5").returncode == 0
        assert figure.stat().st_mtime_ns > before
        assert finished.planned("galaxy_zoo_cnn_fig5") == []
    assert finished.snakemake("galaxy_zoo_cnn_fig5").returncode == 0
    assert figure.stat().st_size == size


def test_figures_are_byte_stable(finished):
    folder = finished.folder / "results/tiny/galaxy_zoo_cnn"
    names = ["fig1_original.png", "fig4_approach1.png", "fig4_approach1.pdf", "rmse.png"]
    before = {name: (folder / name).read_bytes() for name in names}
    rules = ["galaxy_zoo_cnn_plot_original", "galaxy_zoo_cnn_plot_rmse", "galaxy_zoo_cnn_plot_learning_curves"]
    assert finished.snakemake("--forcerun", *rules).returncode == 0
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_touched_script_reruns_nothing(finished):
    script = finished.folder / "workflow/scripts/train.py"
    status = script.stat()
    os.utime(script, (time.time() + 5, time.time() + 5))
    try:
        assert finished.planned() == []
    finally:
        os.utime(script, ns=(status.st_atime_ns, status.st_mtime_ns))

"""Losses of GANs against formulas written out in NumPy and against finite differences."""

import numpy as np
import pytest
import torch
from torch import nn

from galaxies.errors import ConfigError
from galaxies.gan_losses import (
    GradientPenalty,
    cross_entropy_as_generated,
    cross_entropy_as_real,
    latent_distance,
    mean_difference,
    score_distance,
)

pytestmark = pytest.mark.usefixtures("one_thread")


class Linear(nn.Module):
    """Its gradient is `slope` everywhere."""

    def __init__(self, slope):
        super().__init__()
        self.slope = nn.Parameter(slope)

    def forward(self, images, generator=None):
        return (images * self.slope).flatten(1).sum(dim=1)


class Critic(nn.Module):
    """A small network with batch normalisation, in double precision."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(2, 3, 3, 2, 1), nn.BatchNorm2d(3), nn.SELU()), nn.Flatten(), nn.Linear(12, 1)
        ).double()

    def forward(self, images, generator=None):
        return self.layers(images)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_cross_entropies_are_the_formulas():
    logits = np.linspace(-5, 5, 11)
    assert cross_entropy_as_real(torch.from_numpy(logits)).item() == pytest.approx(-np.log(sigmoid(logits)).mean())
    expected = -np.log(1 - sigmoid(logits)).mean()
    assert cross_entropy_as_generated(torch.from_numpy(logits)).item() == pytest.approx(expected)


@pytest.mark.parametrize("shift", [-1.0, 1.0])
def test_score_distance_is_the_formula_on_either_side(shift):
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=8) + shift, rng.normal(size=8) - shift
    expected = abs(sigmoid(real).mean() - sigmoid(generated).mean())
    assert score_distance(*(torch.from_numpy(x) for x in (real, generated))).item() == pytest.approx(expected)


def test_latent_distance_is_the_double_loop():
    rng = np.random.default_rng(0)
    near, far = rng.normal(size=(2, 4, 6))
    codes, noise = rng.normal(size=(2, 4, 3))
    f = sum(near[i, j] - far[i, j] for i in range(4) for j in range(6)) / 24
    g = sum(codes[i, j] - noise[i, j] for i in range(4) for j in range(3)) / 12
    near, far, codes, noise = (torch.from_numpy(x) for x in (near, far, codes, noise))
    found = latent_distance(mean_difference(near, far), mean_difference(codes, noise), 0.25)
    assert found.item() == pytest.approx((f - 0.25 * g) ** 2)


@pytest.mark.parametrize("gp_norm", ["l2", "rms"])
def test_penalty_grows_with_the_distance_of_the_norm_from_its_target_on_both_sides(gp_norm):
    """Minimised, it draws the norm to the target. The gradient of a linear function is known."""
    values = 2 * 5 * 5
    points = torch.randn(4, 2, 5, 5)
    for norm in (0.0, 0.4, 2.0, 2.5, 7.0):
        slope = torch.full((2, 5, 5), norm / np.sqrt(values))  # of this 2-norm
        penalty = GradientPenalty("perturbed", weight=10.0, target=2.0, gp_norm=gp_norm)
        found, norms = penalty(Linear(slope), points, None)
        size = norm if gp_norm == "l2" else norm / np.sqrt(values)
        assert found.item() == pytest.approx(10 * (size - 2) ** 2, rel=1e-5, abs=1e-5)
        assert norms.tolist() == pytest.approx([size] * 4, rel=1e-5)
        assert not norms.requires_grad


def test_a_step_on_the_penalty_draws_the_norm_to_the_target():
    for norm in (0.5, 3.0):
        critic = Linear(torch.tensor([[[norm]]]))
        GradientPenalty("perturbed", weight=1.0)(critic, torch.zeros(3, 1, 1, 1), None)[0].backward()
        assert torch.sign(critic.slope.grad) == np.sign(norm - 1)


def test_a_gradient_of_zero_has_a_finite_penalty():
    critic = Linear(torch.zeros(1, 2, 2))
    penalty, _ = GradientPenalty("perturbed", weight=1.0)(critic, torch.zeros(3, 1, 2, 2), None)
    penalty.backward()
    assert penalty == 1
    assert critic.slope.grad.isfinite().all()


@pytest.mark.parametrize("gp_norm", ["l2", "rms"])
def test_penalty_and_its_gradient_are_those_of_finite_differences(gp_norm):
    """In training mode, where an image's gradient has a part through the statistics of its batch."""
    torch.manual_seed(0)
    critic, points = Critic(), torch.randn(5, 2, 4, 4, dtype=torch.float64)
    penalty = GradientPenalty("perturbed", weight=3.0, target=0.2, gp_norm=gp_norm)

    def by_differences(step=1e-5):
        slopes = torch.empty_like(points)
        with torch.no_grad():
            for index in np.ndindex(*points.shape):
                sides = []
                for sign in (1, -1):
                    moved = points.clone()
                    moved[index] += sign * step
                    sides.append(critic(moved).sum())
                slopes[index] = (sides[0] - sides[1]) / (2 * step)
        squares = slopes.square().flatten(1)
        norms = (squares.sum(dim=1) if gp_norm == "l2" else squares.mean(dim=1)).sqrt()
        return 3 * (norms - 0.2).square().mean(), norms

    found, norms = penalty(critic, points, None)
    expected, expected_norms = by_differences()
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    torch.testing.assert_close(norms, expected_norms, rtol=1e-6, atol=1e-9)
    found.backward()
    for parameter in critic.parameters():
        flat = parameter.data.view(-1)
        for index in range(0, len(flat), 5):
            value, step = flat[index].item(), 1e-5
            sides = []
            for sign in (1, -1):
                flat[index] = value + sign * step
                sides.append(penalty(critic, points, None)[0].item())
            flat[index] = value
            slope = (sides[0] - sides[1]) / (2 * step)
            gradient = 0.0 if parameter.grad is None else parameter.grad.view(-1)[index].item()
            assert gradient == pytest.approx(slope, rel=1e-5, abs=1e-8)


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    return [torch.rand((400, 2, 6, 6), generator=generator) * scale for scale in (2.0, 1.0)]


def test_interpolated_points_lie_between_pairs_with_one_share_per_image(images):
    real, generated = images
    points = GradientPenalty("interpolated", weight=1.0).points(real, generated, torch.Generator().manual_seed(1))
    shares = ((points - generated) * (real - generated)).flatten(1).sum(dim=1) / (real - generated).square().flatten(
        1
    ).sum(dim=1)
    rebuilt = generated + shares[:, None, None, None] * (real - generated)
    torch.testing.assert_close(points, rebuilt, rtol=1e-4, atol=1e-5)
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert shares.std().item() == pytest.approx(1 / np.sqrt(12), rel=0.1)


def test_perturbations(images):
    real, generated = images
    deviation = np.std(real.numpy().astype(float))
    moves = {}
    for kind in ("batch_std", "unit_normal", "dragan_code"):
        penalty = GradientPenalty("perturbed", weight=1.0, perturbation=kind)
        moves[kind] = penalty.points(real, generated, torch.Generator().manual_seed(1)) - real
    assert moves["batch_std"].std().item() == pytest.approx(deviation / 2, rel=0.02)
    assert moves["batch_std"].mean().item() == pytest.approx(0, abs=0.01)
    assert moves["unit_normal"].std().item() == pytest.approx(1, rel=0.02)
    code = moves["dragan_code"].double()
    assert code.min() >= -1e-6
    assert code.max() <= deviation / 2
    # the product of two uniform variables, one per image and one per pixel, has the mean 1/4
    assert code.mean().item() == pytest.approx(deviation / 2 / 4, rel=0.05)
    largest = code.flatten(1).max(dim=1).values / (deviation / 2)  # of 72 pixels: nearly the share of the image
    assert largest.std().item() == pytest.approx(1 / np.sqrt(12), rel=0.1)


@pytest.mark.parametrize("key", ["kind", "gp_norm", "perturbation"])
def test_unknown_options_are_refused(key):
    with pytest.raises(ConfigError, match=f"penalty.{key} is 'other'"):
        GradientPenalty(**{"kind": "perturbed", "weight": 1.0, key: "other"})

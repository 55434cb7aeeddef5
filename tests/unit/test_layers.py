"""Building blocks against the operations that define them."""

import pytest
import torch
from torch.nn.functional import conv2d, pad

from galaxies.layers import EnlargingConvolution


@pytest.mark.parametrize("side", [8, 7])
def test_an_enlarging_convolution_is_the_gradient_of_one_with_padding_same(side):
    """TensorFlow pads a 5x5 convolution of stride 2 by 3 rows if the side is even, one of them before the maps; else
    by 4."""
    torch.manual_seed(0)
    layer = EnlargingConvolution(3, 2, odd=side % 2 == 1)
    smaller = torch.randn(5, 3, 4, 4)
    before, after = (1, 2) if side % 2 == 0 else (2, 2)

    def halved(larger):
        return conv2d(pad(larger, (before, after, before, after)), layer.weight, stride=2)

    _, gradient = torch.autograd.functional.vjp(halved, torch.randn(5, 2, side, side), smaller)
    torch.testing.assert_close(layer(smaller), gradient + layer.bias[:, None, None])

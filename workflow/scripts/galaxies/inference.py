"""What a network says of many images, while it is trained and afterwards."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from galaxies.compute import Compute
from galaxies.data.device import Images

EVALUATION_BATCH = 250  # a matter of speed and memory alone


def infer(
    network: nn.Module,
    function: Callable[[Tensor], Tensor],
    images: Images,
    compute: Compute,
    check: Callable[[], None] = lambda: None,
) -> Tensor:
    """`function` of all images, as the view has them, in batches and in order: float32 (N, ...) on the device.

    network is in evaluation mode meanwhile; its mode is restored. check : called before each batch; may raise.
    """
    mode = network.training
    network.eval()
    results = []
    try:
        with torch.inference_mode():
            for batch in images.batches(torch.arange(len(images)), EVALUATION_BATCH):
                check()
                with compute.autocast():
                    results.append(function(batch.images).float())
    finally:
        network.train(mode)
    return torch.cat(results)

"""Keep what a checkpoint knew: the mean of its weights and of those that it has after a further training.

Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022 (WiSE-FT), https://arxiv.org/abs/2109.01903.
"""

from torch import nn

from spanmatch.model.lora import LORA_A, LORA_B
from spanmatch.prediction.checkpoint import load_checkpoint


def mix_with_start(model: nn.Module, start: str, share: float) -> None:
    """Replace the weights of a model, in place, by `share * before + (1 - share) * now`.

    Args:
        model: a matcher's model after a training.
        start: the checkpoint that the training started from.
        share: share of its weights, in [0, 1).
    """
    before = load_checkpoint(start, is_trained=True).model.state_dict()
    mean = model.state_dict()
    for name, now in mean.items():
        if name.endswith(LORA_B):  # what adapters add was nothing before
            mean[name] = (1 - share) * now
        elif now.is_floating_point() and not name.endswith(LORA_A):
            mean[name] = now.lerp(before[name].to(now), share)
    model.load_state_dict(mean)

"""Find the types of a list that win over others of it: "person" scores higher than "writer" even with writers.

What that is measured with, and why, is told in `training.background`.

Legend: C types, D head size, M background mentions, T mentions that speak most for a type.
"""

import torch
from torch.nn import functional as F

# Mentions of the background, and the share of them that an affinity is the mean over: only the mentions that a type scores
# highest with could be mistaken for that type.
NUM_MENTIONS, TOP_SHARE = 2048, 0.02
# How alike two types are: exp((cosine - 1) / LIKENESS_WIDTH). A type whose rivals add up to RIVALS_HALF is corrected by half of
# its excess over them. RIVAL_SHARE of that is taken, and USUAL_SHARE of the excess over the usual type. Chosen by
# measurement (docs/log.md).
LIKENESS_WIDTH, RIVALS_HALF, RIVAL_SHARE, USUAL_SHARE = 0.15, 0.05, 0.6, 0.2
# Of a long list, a type is compared with at most so many others, of which the nearest may be rivals; and types that are
# compared at a time. A list may have 100,000.
MAX_COMPARED, MAX_RIVALS, COMPARED_TOGETHER = 8192, 64, 256


def top_mentions(types_CD: torch.Tensor, background_MD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the highest scores of each type with the background, in float32, and with which mentions it has them.

    Args:
        types_CD: embedded types.
        background_MD: mentions without bias (see `head.without_bias`).

    Shape: (C, D) and (M, D) to (C, T) and (C, T), T the TOP_SHARE of M.
    """
    tops = [top_mentions_of(block_CD, background_MD.float()) for block_CD in types_CD.split(COMPARED_TOGETHER)]
    return torch.cat([values for values, _ in tops]), torch.cat([indices for _, indices in tops])


def top_mentions_of(block_CD: torch.Tensor, mentions_MD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what `top_mentions` does, of types that are few enough to be compared at a time.

    Args:
        block_CD: embedded types.
        mentions_MD: mentions without bias, in float32.

    Shape: (C, D) and (M, D) to (C, T) and (C, T).
    """
    highest = max(1, round(TOP_SHARE * len(mentions_MD)))
    top = (block_CD.float() @ mentions_MD.T).topk(highest, dim=1)
    return top.values, top.indices


def affinity(types_CD: torch.Tensor, background_MD: torch.Tensor) -> torch.Tensor:
    """Return the mean of the highest scores of each type with the background, in float32.

    Args:
        types_CD: embedded types.
        background_MD: mentions without bias (see `head.without_bias`).

    Shape: (C, D) and (M, D) to (C,).
    """
    return top_mentions(types_CD, background_MD)[0].mean(dim=1)


def excess_over_rivals(types_CD: torch.Tensor, background_MD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return how much higher the affinity of each type of a list is than that of its rivals, and the affinities.

    Two types are rivals as far as they are alike, and as far as one scores higher than the other where that one scores highest:
    "person" does so with the mentions that speak for "writer". The weight of a rival is the likeness times the square of the
    share of these mentions. If all weights are small, there is nothing to compare with, and the excess goes to 0; a list of
    one type has none.

    Args:
        types_CD: embedded types of one list, without bias.
        background_MD: mentions without bias.

    Shape: (C, D) and (M, D) to (C,) and (C,).
    """
    highest_CT, mentions_CT = top_mentions(types_CD, background_MD)
    affinity_C, scoring_CD, mentions_MD = highest_CT.mean(dim=1), types_CD.float(), background_MD.float()
    everything = torch.arange(len(types_CD), device=types_CD.device)
    compared = everything[:: compared_step(len(types_CD))]
    excess = [
        excess_of(own, compared, scoring_CD, affinity_C, highest_CT, mentions_CT, mentions_MD)
        for own in everything.split(COMPARED_TOGETHER)
    ]
    return torch.cat(excess), affinity_C


def compared_step(num_types: int) -> int:
    """Return n: of a very long list, every n-th type stands for the others.

    Args:
        num_types: number of types of the list.
    """
    return -(-num_types // MAX_COMPARED)


def excess_of(
    own: torch.Tensor,
    compared: torch.Tensor,
    scoring_CD: torch.Tensor,
    affinity_C: torch.Tensor,
    highest_CT: torch.Tensor,
    mentions_CT: torch.Tensor,
    mentions_MD: torch.Tensor,
) -> torch.Tensor:
    """Return the excess over rivals of some types of a list (see `excess_over_rivals`). Everything is in float32.

    Args:
        own: places of these types in the list. Shape: (O,).
        compared: places of the types that may be rivals.
        scoring_CD: embedded types of the whole list, without bias.
        affinity_C: the affinity of each type of the list.
        highest_CT: its highest scores (see `top_mentions`).
        mentions_CT: with which mentions it has them.
        mentions_MD: the background.

    Shape: (O,).
    """
    directions_OD, others_KD = (F.normalize(scoring_CD[places], dim=1) for places in (own, compared))
    cosines = (directions_OD @ others_KD.T).masked_fill(own[:, None] == compared, -torch.inf)
    # The length of a list stays a variable where this is exported: Python's min would fix it.
    nearest = cosines.topk(torch.sym_min(MAX_RIVALS, compared.shape[0]), dim=1)
    rivals = compared[nearest.indices]
    # Scores of a type where a rival scores highest, and the other way round. Shape: (O, rivals, T)
    of_own = (scoring_CD[own] @ mentions_MD.T).gather(1, mentions_CT[rivals].flatten(1)).view(*rivals.shape, -1)
    of_rivals = scoring_CD[rivals] @ mentions_MD[mentions_CT[own]].transpose(1, 2)
    higher = [of_own > highest_CT[rivals], of_rivals > highest_CT[own][:, None]]
    share = torch.stack(higher).float().mean(dim=3).amax(dim=0)
    weight = ((nearest.values - 1) / LIKENESS_WIDTH).exp() * share**2
    total = weight.sum(dim=1)
    # total * (affinity - weighted mean) / (total + half), without dividing by a total of 0
    return (total * affinity_C[own] - (weight * affinity_C[rivals]).sum(dim=1)) / (total + RIVALS_HALF)

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
    highest = max(1, round(TOP_SHARE * len(background_MD)))
    mentions_DM = background_MD.float().T
    tops = [(block_CD.float() @ mentions_DM).topk(highest, dim=1) for block_CD in types_CD.split(COMPARED_TOGETHER)]
    return torch.cat([top.values for top in tops]), torch.cat([top.indices for top in tops])


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
    affinity_C, mentions_MD, scoring_CD = highest_CT.mean(dim=1), background_MD.float(), types_CD.float()
    directions_CD = F.normalize(scoring_CD, dim=1)
    everything = torch.arange(len(types_CD), device=types_CD.device)
    compared = everything[:: -(-len(types_CD) // MAX_COMPARED)]  # of a very long list every n-th type stands for the others
    excess: list[torch.Tensor] = []
    for own in everything.split(COMPARED_TOGETHER):
        cosines = (directions_CD[own] @ directions_CD[compared].T).masked_fill(own[:, None] == compared, -torch.inf)
        nearest = cosines.topk(min(MAX_RIVALS, len(compared)), dim=1)
        rivals = compared[nearest.indices]
        # Scores of a type where a rival scores highest, and the other way round. Shape: (own, rivals, T)
        of_own = (scoring_CD[own] @ mentions_MD.T).gather(1, mentions_CT[rivals].flatten(1)).view(*rivals.shape, -1)
        of_rivals = scoring_CD[rivals] @ mentions_MD[mentions_CT[own]].transpose(1, 2)
        higher = [of_own > highest_CT[rivals], of_rivals > highest_CT[own][:, None]]
        share = torch.stack(higher).float().mean(dim=3).amax(dim=0)
        weight = ((nearest.values - 1) / LIKENESS_WIDTH).exp() * share**2
        total = weight.sum(dim=1)
        # total * (affinity - weighted mean) / (total + half), without dividing by a total of 0
        excess.append((total * affinity_C[own] - (weight * affinity_C[rivals]).sum(dim=1)) / (total + RIVALS_HALF))
    return torch.cat(excess), affinity_C

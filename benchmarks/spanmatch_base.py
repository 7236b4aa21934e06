"""The larger checkpoint, which comes with the repository: made, and checked.

    python benchmarks/spanmatch_base.py --check           # what its card says, measured again
    python benchmarks/spanmatch_base.py                   # made anew: hours on a laptop, it resumes
    python benchmarks/spanmatch_base.py --sample 2        # one training alone, for another core

Two encoders of one set of weights: that of types is all-mpnet-base-v2 as it was, that of texts the same with adapters. Otherwise
it is made as `spanmatch-mini` is: trained on the same sets and those of this repository, from the same start on several samples,
and averaged. Its weights are rows of int8.
"""

from shipping import ShippedModel

BASE = ShippedModel(name="spanmatch-base", samples=(1, 2), num_examples=20_000, in_int8=True)

if __name__ == "__main__":
    BASE.main(str(__doc__))

"""Other languages, as a smoke test: the checkpoint that comes with the package, whose encoder is English, on texts that are not.

    python benchmarks/languages.py                        # 300 sentences of each test file, types by their English names

Nothing here is a claim. It shows what to expect of an English encoder, and where an encoder of the language is needed.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from common import RESULTS, machine, write_table
from quality_data import benchmark_set
from quality_scorer import Scores
from quality_systems import ask_ours

from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.shipped import DEFAULT_MODEL

LANGUAGES = {
    "wikiann_en": "English", "wikiann_de": "German", "germeval2014": "German", "wikiann_nl": "Dutch", "wikiann_fr": "French",
    "lener_br": "Portuguese", "turku_one": "Finnish", "wikineural_pl": "Polish", "wikineural_ru": "Russian",
    "nerel_ru": "Russian", "uner_zh_gsd": "Chinese", "ner_wikipedia_ja": "Japanese", "thai_ner": "Thai",
}  # fmt: skip


def main() -> None:
    """Ask for each set's types, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="folder of the public data sets")
    parser.add_argument("--model", default=DEFAULT_MODEL, help=f"checkpoint folder ({DEFAULT_MODEL})")
    parser.add_argument("--num_examples", type=int, default=300, help="sentences of each test file")
    options = parser.parse_args()
    matcher = SpanMatcher.from_pretrained(options.model)
    assert matcher.calibration is not None, "a checkpoint that ships is calibrated"
    rows = []
    for source, language in LANGUAGES.items():
        test = benchmark_set(options.datasets, source)
        test = replace(test, sentences=test.sentences[: options.num_examples])
        scores = Scores.of(ask_ours(matcher, test, described=False), test.gold)
        both = [f"{100 * f1:.1f}" for f1 in (scores.f1(matcher.calibration.threshold), scores.best()[0])]
        rows.append([language, source, str(len(test.types)), str(int(scores.gold.sum())), *both])
        print(rows[-1], flush=True)
    header = ["language", "set", "types", "mentions", "micro-F1", "best threshold in hindsight"]
    write_table(RESULTS / "languages.md", title="Other languages", doc=__doc__ or "", header=header, rows=rows, facts=machine())


if __name__ == "__main__":
    main()

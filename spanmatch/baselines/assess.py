"""Run the product-attribute assessment: train within its budget, score, write `submission.zip` and the report.

It is a comparison (see `compare`) whose rows are given: the token classifier that is submitted, and matchers beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanmatch.baselines.assess_options import AUGMENTATIONS, AssessOptions
from spanmatch.baselines.augmentation import augment
from spanmatch.baselines.compare import Commands, RowPlace, WriteReport, run_comparison, write_reports
from spanmatch.baselines.compare_config import Comparison, Row
from spanmatch.baselines.compare_data import nested_sample, write_examples
from spanmatch.baselines.submission import write_submission
from spanmatch.data.corpus import read_corpus
from spanmatch.data.files import check_can_write, folder_to_write
from spanmatch.evaluation.comparison import RowResult
from spanmatch.evaluation.comparison_tables import NOTHING, Table
from spanmatch.prediction.shipped import DEFAULT_MODEL

SUBMISSION = "submission.zip"
SUBMITTED = "token classifier"
OUTSIDE = f"{DEFAULT_MODEL}, fine-tuned (outside the rules)"
# Matchers train with a higher learning rate than token classifiers, and see types with and without their descriptions.
_MATCHER_KEYS = {"type_texts": "mixed", "learning_rate": 2e-4}
# What was trained on other data already needs smaller steps.
_OF_TRAINED = {"pretrained_model_name_or_path": DEFAULT_MODEL, "learning_rate": 1e-4}


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Holds what the assessment counts. None is what there are no data or no figures for.

    Attributes:
        macro_f1_id: macro F1 on test data like the training data.
        macro_f1_ood: macro F1 on test data with other attributes.
        latency_score: min(1, seconds of the encoder alone / seconds of tagging).
    """

    macro_f1_id: float | None
    macro_f1_ood: float | None
    latency_score: float | None

    @property
    def final_score(self) -> float | None:
        """Return 100 * (0.7 * OOD_F1 + 0.2 * ID_F1 + 0.1 * latency_score); None if one of them is missing."""
        if self.macro_f1_id is None or self.macro_f1_ood is None or self.latency_score is None:
            return None
        return 100 * (0.7 * self.macro_f1_ood + 0.2 * self.macro_f1_id + 0.1 * self.latency_score)


def scores_of(result: RowResult, test_id: str, test_ood: str | None) -> Scores:
    """Return the scores of a row.

    Args:
        result: a row that did not fail.
        test_id: name of the test file like the training data.
        test_ood: name of the test file with other attributes, if there is one.
    """
    share = result.costs.encoder_share
    return Scores(
        macro_f1_id=result.tests[test_id]["macro"]["f1"],
        macro_f1_ood=None if test_ood is None else result.tests[test_ood]["macro"]["f1"],
        latency_score=None if share is None else min(1.0, share),
    )


def assess(options: AssessOptions, commands: Commands, write_report: WriteReport) -> int:
    """Run the assessment; write `submission.zip`, the results of all rows, `report.md` and `report.html`.

    Args:
        options: what the user gave.
        commands: starts the training of each method.
        write_report: writes the report in HTML.

    Returns:
        How many rows failed.

    Raises:
        InputError: an option or the data are wrong; no row was run.
    """
    folder = folder_to_write(options.output_dir)
    submission = folder / SUBMISSION
    if folder.is_dir():
        check_can_write(submission)
    comparison = assessment(options)
    results = run_comparison(comparison, commands, fresh=options.fresh)
    names = [*comparison.test_names, None]
    test_id, test_ood = str(names[0]), names[1]
    rows = [(result, scores_of(result, test_id, test_ood)) for result in results if result.error is None]
    write_reports(comparison, results, write_report, first=[score_table(rows)])
    for result, scores in rows:
        if result.name == SUBMITTED:
            model = RowPlace(folder=folder, name=comparison.rows[0].slug).model
            write_submission(submission, model, submitted_results(options, result, scores))
            print(f"{submission}: {_shown(scores.final_score, 2)} points")
    return sum(result.error is not None for result in results)


def submitted_results(options: AssessOptions, result: RowResult, scores: Scores) -> dict[str, Any]:
    """Return the content of `results.json`.

    Args:
        options: what the user gave.
        result: the row of the token classifier.
        scores: its scores.
    """
    augmented = ", ".join(options.augment) or "none"
    notes = (
        f"Token classifier from {options.model}, {options.num_train_epochs} epochs at most, batches of {options.batch_size}, "
        f"{options.max_length} subwords, learning rate {options.learning_rate}, augmentation: {augmented}, "
        f"early stopping: {'yes' if options.early_stopping else 'no'}, seed {options.seed}. "
        f"Trained on {result.num_train} texts, and on no others. "
        "latency_score = min(1, seconds of the encoder alone / seconds of tagging)."
    )
    found = {name: getattr(scores, name) for name in ("macro_f1_id", "macro_f1_ood", "latency_score", "final_score")}
    return found | {"notes": notes}


def score_table(rows: Sequence[tuple[RowResult, Scores]]) -> Table:
    """Return the table of the assessment's own scores.

    Args:
        rows: the rows that did not fail, with their scores.
    """
    note = (
        "Final score: 100 * (0.7 * OOD F1 + 0.2 * ID F1 + 0.1 * latency score), with macro F1. Latency score: seconds of the "
        f"encoder alone / seconds of tagging, at most 1. Rows of {DEFAULT_MODEL} are outside the rules of such an assessment, "
        "which allow no other training data than its own."
    )
    header = ["row", "ID macro F1", "OOD macro F1", "latency score", "final score"]
    cells = [
        [
            result.name,
            *(_shown(value, 4) for value in (scores.macro_f1_id, scores.macro_f1_ood, scores.latency_score)),
            _shown(scores.final_score, 2),
        ]
        for result, scores in rows
    ]
    return Table(title="Assessment", note=note, header=header, rows=cells)


def _shown(value: float | None, digits: int) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def assessment(options: AssessOptions) -> Comparison:
    """Return the comparison that the assessment is, after writing the augmented training data that its rows ask for.

    Args:
        options: what the user gave.

    Raises:
        InputError: a file cannot be read.
    """
    files = options.files
    for given in filter(None, files.values()):  # what is wrong with them is said before anything is written
        read_corpus(given, format=options.format, entity_types=options.entity_types)
    variants: dict[str, tuple[Sequence[str], bool]] = {SUBMITTED: (options.augment, options.early_stopping)}
    if options.ablation:
        variants[f"{SUBMITTED}, plain"] = ((), False)
        variants |= {f"{SUBMITTED}, {kind}": ((kind,), False) for kind in AUGMENTATIONS}
        variants[f"{SUBMITTED}, all three"] = (AUGMENTATIONS, False)
        variants[f"{SUBMITTED}, early stopping"] = ((), True)
    rows = [
        Row(
            name=name,
            method="token",
            train_file=_augmented(options, kinds),
            settings={"model": options.model, "max_length": options.max_length, "learning_rate": float(options.learning_rate)}
            | _evaluated(options, stops),
        )
        for name, (kinds, stops) in variants.items()
    ]
    if not options.classifier_only:
        train_file = _augmented(options, options.augment)
        keys = _MATCHER_KEYS | _evaluated(options, options.early_stopping)
        new = {"max_length": options.max_length}
        rows += [
            Row(name="bi-encoder from MiniLM", method="bi", train_file=train_file, settings=keys | new),
            Row(name="cross-encoder from MiniLM", method="cross", train_file=train_file, settings=keys | new),
            Row(name=OUTSIDE, method="bi", train_file=train_file, settings=keys | _OF_TRAINED),
        ]
    return Comparison(
        title="Product attributes: the assessment",
        train_file=(str(files["train"]),),
        validation_file=() if files["validation"] is None else (files["validation"],),
        test_file=tuple(file for name in ("test_id", "test_ood") if (file := files[name]) is not None),
        entity_types=options.entity_types,
        format=options.format,
        output_dir=options.output_dir,
        seed=options.seed,
        max_eval_samples=options.max_eval_samples,
        training={
            "num_train_epochs": options.num_train_epochs,
            "per_device_train_batch_size": options.batch_size,
            "seed": options.seed,
        },
        rows=rows,
    )


def _evaluated(options: AssessOptions, stops: bool) -> dict[str, Any]:
    """Return the keys that say what the validation file is for: to choose the best epoch, or else thresholds alone."""
    if stops:
        return {"early_stopping_patience": 1}
    chooses = {"eval_strategy": "no"} if options.files["validation"] is not None else {}
    return {"save_strategy": "no"} | chooses


def _augmented(options: AssessOptions, kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the training file of a row, after writing it if it is not the one that the user gave."""
    source = str(options.files["train"])
    if not kinds and options.max_train_samples is None:
        return (source,)
    corpus = read_corpus(source, format=options.format, split="train", entity_types=options.entity_types)
    examples = nested_sample(corpus.examples, options.max_train_samples, options.seed)
    name = f"{'-'.join(kinds) or 'plain'}-{len(examples)}-{options.seed}.jsonl"
    target = Path(options.output_dir) / "augmented" / name
    write_examples(augment(examples, kinds, options.seed), target, options.format)
    return (str(target),)

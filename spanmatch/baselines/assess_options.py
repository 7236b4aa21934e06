"""Define the options of `spanmatch assess`, and the budget that they have to keep. Nothing here waits for torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from spanmatch.errors import InputError
from spanmatch.model.pretrained import DEFAULT_ENCODER
from spanmatch.prediction import options as shared
from spanmatch.prediction.options import option

# What the assessment allows at most, by option.
BUDGET = {"num_train_epochs": 4, "batch_size": 16, "max_length": 128}
AUGMENTATIONS = ("swap", "case", "order")
# The data of the assessment where the user gives no other.
DATA = "data/products"


@dataclass(frozen=True, kw_only=True)
class AssessOptions:
    """Holds the options of `spanmatch assess`, by the names of its flags.

    Raises:
        InputError: an option is beyond the budget, or files are missing or needless.
    """

    train_file: str | None = option(f"training data; by default {DATA}/train.jsonl, with the other files there", default=None)
    validation_file: str | None = option("data to choose epoch and thresholds with; none beside your own data", default=None)
    test_id_file: str | None = option("test data like the training data", default=None)
    test_ood_file: str | None = option("test data with attributes that training data have not", default=None)
    entity_types: str | None = shared.ENTITY_TYPES()
    format: str = shared.FORMAT()
    model: str = option("encoder of the token classifier", default=DEFAULT_ENCODER, metavar="NAME_OR_DIR")
    num_train_epochs: int = option("passes over the training data", default=4, metavar="N")
    batch_size: int = option("texts of a training batch", default=16, metavar="N")
    max_length: int = option("window in subwords", default=128, metavar="N", least=8)
    learning_rate: str = option("learning rate of the token classifier", default="3e-4", metavar="RATE")
    augment: Sequence[str] = option(
        "augment the training data; may be given several times", default=(), choices=AUGMENTATIONS, metavar=None
    )
    early_stopping: bool = option("stop after an epoch without a better F1 on the validation file", default=False)
    ablation: bool = option("also train the token classifier with each augmentation, and with early stopping", default=False)
    classifier_only: bool = option("leave out the rows of the matchers", default=False)
    seed: int = option("seed of training, augmentation and samples", default=0, metavar="N", least=0)
    max_train_samples: int | None = option("train on at most N sentences", default=None, metavar="N")
    max_eval_samples: int | None = option("validate and test on at most N sentences a file", default=None, metavar="N")
    output_dir: str = option("folder of results and submission.zip", default="models/assessment", metavar="DIR")
    fresh: bool = option("run again what is there already", default=False)

    def __post_init__(self) -> None:
        for name, most in BUDGET.items():
            if getattr(self, name) > most:
                raise InputError(f"--{name} {getattr(self, name)}: the assessment allows at most {most}; give {most} or less")
        try:
            is_rate = 0 < float(self.learning_rate) < 1
        except ValueError:
            is_rate = False
        if not is_rate:
            raise InputError(f"--learning_rate must be a number in (0, 1), got {self.learning_rate!r}")
        if self.train_file is None and (self.test_id_file or self.test_ood_file or self.validation_file):
            raise InputError("--test_id_file, --test_ood_file and --validation_file need --train_file; give all of your own")
        if self.train_file is not None and self.test_id_file is None:
            raise InputError("--train_file needs --test_id_file, the test data like the training data; give it")
        if (self.early_stopping or self.ablation) and self.files["validation"] is None:
            asked = "--early_stopping" if self.early_stopping else "--ablation"
            raise InputError(f"{asked} needs --validation_file; give one, or leave it out")

    @property
    def files(self) -> dict[str, str | None]:
        """Return the data files: "train", "validation", "test_id" and "test_ood"."""
        if self.train_file is None:
            return {name: f"{DATA}/{name}.jsonl" for name in ("train", "validation", "test_id", "test_ood")}
        return {
            "train": self.train_file,
            "validation": self.validation_file,
            "test_id": self.test_id_file,
            "test_ood": self.test_ood_file,
        }

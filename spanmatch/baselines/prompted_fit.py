"""Set up a prompted model from its command line to its folder: nothing is trained, a few examples are drawn.

All access to disk and network is here.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields

from spanmatch.baselines.chat_client import DEFAULT_CHAT_MODEL, OPENAI_URL, Endpoint
from spanmatch.baselines.prompted import DEFAULT_TEMPLATE, EXAMPLES_FILE, Prompt, PromptedTagger
from spanmatch.data.examples import Example
from spanmatch.data.files import check_not_read, folder_to_write, home_path, read_text
from spanmatch.errors import InputError
from spanmatch.prediction.shipped import CONFIG_FILE
from spanmatch.training.arguments import DataArguments, MatcherTrainingArguments, check_at_least, key
from spanmatch.training.config_file import read_arguments
from spanmatch.training.corpora import read_corpora
from spanmatch.training.effects import TRAINER_RULES, Rule
from spanmatch.training.final_scores import final_scores
from spanmatch.training.output_folder import written_by_training

# Of the keys of the Trainer, those that mean something where nothing is trained.
_OF_RUN = {"output_dir", "do_eval", "do_predict", "seed", "disable_tqdm", "per_device_eval_batch_size"}


@dataclass(kw_only=True)
class PromptedArguments(DataArguments):
    """Holds what setting up a prompted model is about.

    The help text of each field says what it means.

    Raises:
        InputError: a value is not valid.
    """

    endpoint: str = key(OPENAI_URL, "Address of an endpoint that speaks OpenAI's protocol; the key is read from OPENAI_API_KEY.")
    model: str = key(DEFAULT_CHAT_MODEL, "Name of the chat model there.")
    template: str | None = key(None, "File of the instruction, with {types} in it; None: that of the package.")
    num_examples: int = key(8, "Number of examples that are drawn from train_file, such that they have many types.")
    max_chars: int = key(4000, "Characters of a text that are sent at a time; longer texts are sent in parts.")
    num_retries: int = key(2, "How often to ask again after an answer that is not JSON.")
    temperature: float | None = key(
        0.0, "Temperature of the answers; below 0: that of the endpoint, for models that refuse any other."
    )
    max_tokens: int | None = key(None, "The longest answer, in tokens; None: as the endpoint has it.")
    json_mode: bool = key(False, "Ask for JSON by response_format, which some endpoints refuse.")
    timeout: float = key(60.0, "Seconds to wait for an answer.")
    max_retries: int = key(5, "How often to ask again after a timeout, HTTP 429 or 5xx, with longer and longer pauses.")
    concurrency: int = key(4, "Number of requests that are under way at a time.")
    input_price: float = key(0.0, "Price of a million tokens that are sent.")
    output_price: float = key(0.0, "Price of a million tokens that are answered.")
    cache_file: str | None = key(None, "File that keeps the answers, so that the same request is free the next time.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(self, 0, "num_examples")

    @property
    def chat(self) -> Endpoint:
        """Return which model is asked, and how."""
        names = {item.name for item in fields(Endpoint)} - {"base_url", "temperature", "cache_file"}
        return Endpoint(
            base_url=self.endpoint,
            temperature=None if self.temperature is None or self.temperature < 0 else self.temperature,
            # The folder may be used from elsewhere.
            cache_file=None if self.cache_file is None else str(home_path(self.cache_file).absolute()),
            **{name: getattr(self, name) for name in names},
        )


@dataclass(kw_only=True)
class PromptedRunArguments(MatcherTrainingArguments):
    """Holds `transformers.TrainingArguments`, of which a prompted model needs the folder and the seed."""

    output_dir: str | None = key("models/prompted", "Folder of the prompted model.")
    do_train: bool = key(False, "Nothing is trained.")
    report_to: str | None = key("none", "Nothing is logged.")


_OF_TRAINING = {item.name for item in fields(MatcherTrainingArguments)} - _OF_RUN | {"early_stopping_patience"}

PROMPTED_RULES: Sequence[Rule] = (
    *(rule for rule in TRAINER_RULES if not _OF_TRAINING.intersection(rule.keys)),
    Rule(keys=_OF_TRAINING, when=lambda given: True, why="on a prompted model, of which nothing is trained", even_zero=True),
    Rule(
        keys=["num_examples", "max_train_samples"],
        when=lambda given: not given.train_file,
        why="without a train_file to draw examples from",
        remedy="give one",
    ),
    Rule(
        keys=["train_file"], when=lambda given: not given.num_examples, why='where "num_examples" is 0', causes=["num_examples"]
    ),
)


def fit_prompted(command_line: Sequence[str]) -> None:
    """Draw the examples of a prompted model, write its folder, and evaluate it if there is data for that.

    Args:
        command_line: the configuration file, and `--key value` for each key to override.

    Raises:
        InputError: the configuration or the data are wrong; nothing has been written. Or the endpoint gives no answers.
    """
    arguments, run = read_arguments(
        command_line,
        PromptedArguments,
        PromptedRunArguments,
        what="Set up a prompted model: draw examples for its prompt, and evaluate it.",
        rules=PROMPTED_RULES,
    )
    output_dir = folder_to_write(str(run.output_dir))
    if (output_dir / CONFIG_FILE).exists() and not arguments.overwrite_output_dir:
        remedy = "replace it (--overwrite_output_dir true), or give another --output_dir"
        raise InputError(f"{output_dir} already holds a model; {remedy}")
    run.do_train = bool(arguments.train_file)
    corpora = read_corpora(arguments, run, [*written_by_training(output_dir), output_dir / EXAMPLES_FILE])
    template = home_path(arguments.template) if arguments.template is not None else DEFAULT_TEMPLATE
    check_not_read([output_dir / name for name in (CONFIG_FILE, EXAMPLES_FILE)], [template])
    prompt = Prompt(
        template=read_text(template),
        examples=draw_examples(
            corpora.train.examples if corpora.train is not None else [],
            arguments.num_examples,
            seed=run.seed,
            max_chars=arguments.max_chars,
        ),
        max_chars=arguments.max_chars,
        num_retries=arguments.num_retries,
    )
    tagger = PromptedTagger(arguments.chat, prompt)
    tagger.save_pretrained(output_dir)
    for name, corpus in (("validation", corpora.validation), ("test", corpora.test)):
        if corpus is not None:
            final_scores(tagger, corpus, arguments, run, output_dir / name)
    print(f"\n{output_dir}: prompted model, {len(prompt.examples)} examples")


def draw_examples(examples: Sequence[Example], num: int, *, seed: int, max_chars: int) -> list[Example]:
    """Draw examples at random, such that they have mentions of as many types as possible.

    Args:
        examples: what to draw from.
        num: how many to draw; all if there are fewer.
        seed: of the random numbers.
        max_chars: examples whose text is longer are not drawn.
    """
    pool = [example for example in examples if len(example.text) <= max_chars]
    random.Random(seed).shuffle(pool)
    drawn: list[Example] = []
    missing: set[str] = set()
    while pool and len(drawn) < num:
        # Once every type has been shown, each of them counts again.
        missing = missing or {mention.label for example in pool for mention in example.mentions}
        best = max(pool, key=lambda example: len({mention.label for mention in example.mentions} & missing))
        pool.remove(best)
        drawn.append(best)
        missing -= {mention.label for mention in best.mentions}
    return drawn

"""The options of `spanmatch generate`. Nothing here waits for torch."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from spanmatch.baselines.chat_client import DEFAULT_CHAT_MODEL, OPENAI_URL, Endpoint
from spanmatch.errors import InputError
from spanmatch.prediction import options as shared
from spanmatch.prediction.options import option

ENGINES, FORMS = ("llm", "templates", "file"), ("spans", "tags")
DEFAULT_NUM = 200
# What each engine has to be given, and what it alone reads.
_OF_ENGINE: dict[str, tuple[str | None, Sequence[str]]] = {
    "llm": (None, ("domain", "endpoint", "model", "batch", "prompt", "temperature", "max_tokens", "json_mode", "timeout",
                   "max_retries", "concurrency", "input_price", "output_price", "cache_file")),
    "templates": ("patterns", ("patterns",)),
    "file": ("answers", ("answers",)),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GenerateOptions:
    """Holds the options of `spanmatch generate`, by the names of its flags.

    Raises:
        InputError: an option is missing, or is of the other engine.
    """

    output: str = option("JSONL file to write; labels.json is written beside it", metavar="FILE")
    types: Sequence[str] = shared.TYPES()
    entity_types: str | None = shared.ENTITY_TYPES()
    n: int | None = option(f"texts to make; by default {DEFAULT_NUM}, and all of a file", default=None, metavar="N")
    engine: str = option(
        "llm asks a chat model; templates fills the patterns of --patterns; file reads the answers in --answers",
        default="llm",
        choices=ENGINES,
    )
    form: str = option("spans (text and char_spans), or tags (tokens and BIO tags)", default="spans", choices=FORMS)
    seed: int = option("of all random choices", default=0, least=0, metavar="N")
    overwrite: bool = option("replace FILE if it is there", default=False)
    patterns: str | None = option(
        'templates: JSON file {"patterns": ["{person} left {city}."], "values": {"person": [...]}}', default=None, metavar="FILE"
    )
    answers: str | None = option(
        "file: JSON of texts with their entities, as a model wrote them: a list, or a line for each", default=None, metavar="FILE"
    )
    domain: str | None = option('llm: what the texts are about: "messages to a travel agency"', default=None, metavar="TEXT")
    endpoint: str = option("llm: address of an endpoint that speaks OpenAI's protocol", default=OPENAI_URL, metavar="URL")
    model: str = option("llm: name of the chat model there", default=DEFAULT_CHAT_MODEL, metavar="NAME")
    batch: int = option("llm: texts that a request asks for", default=5, metavar="N")
    prompt: str | None = option("llm: file of the prompt, instead of that of the package", default=None, metavar="FILE")
    temperature: str = option('llm: temperature of the answers, or "default" for that of the endpoint', default="1", metavar="T")
    max_tokens: int | None = option("llm: the longest answer, in tokens", default=None, metavar="N")
    json_mode: bool = option("llm: ask for JSON by response_format, which some endpoints refuse", default=False)
    timeout: int = option("llm: seconds to wait for an answer", default=120, metavar="N")
    max_retries: int = option("llm: how often to ask again after a timeout, HTTP 429 or 5xx", default=5, least=0, metavar="N")
    concurrency: int = option("llm: requests that are under way at a time", default=4, metavar="N")
    input_price: str = option("llm: price of a million tokens that are sent", default="0", metavar="PRICE")
    output_price: str = option("llm: price of a million tokens that are answered", default="0", metavar="PRICE")
    cache_file: str | None = option(
        "llm: file that keeps the answers: the same request is free then", default=None, metavar="FILE"
    )

    def __post_init__(self) -> None:
        defaults = {item.name: item.default for item in fields(self)}
        for engine, (needed, read) in _OF_ENGINE.items():
            given = [name for name in read if getattr(self, name) != defaults[name]]
            if engine != self.engine and given:
                raise InputError(
                    f"--{given[0]} has no effect with --engine {self.engine}; give --engine {engine}, or leave it out"
                )
            if engine == self.engine and needed and not given:
                raise InputError(f"--engine {engine} needs --{needed} FILE; give one")

    @property
    def chat(self) -> Endpoint:
        """Return which model is asked, and how."""
        same = ("model", "max_tokens", "json_mode", "timeout", "max_retries", "concurrency", "cache_file")
        return Endpoint(
            base_url=self.endpoint,
            temperature=None if self.temperature == "default" else _number("temperature", self.temperature),
            input_price=_number("input_price", self.input_price),
            output_price=_number("output_price", self.output_price),
            **{name: getattr(self, name) for name in same},
        )


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"--{name}: expected a number, got {text!r}") from error

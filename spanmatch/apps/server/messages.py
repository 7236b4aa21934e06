"""The bodies of requests and answers."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

TEXT = "Google was founded by Larry Page and Sergey Brin in California."
Types = list[str] | dict[str, str | None]
Number = Annotated[float, Field(gt=0, lt=1)]


class PredictRequest(BaseModel):
    """What to tag, and with which types."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": TEXT},
                {"text": TEXT, "entity_types": ["company", "founder", "state"], "threshold": 0.5},
                {"texts": [TEXT, "It rained."], "entity_types": {"company": "a business that sells something"}},
            ]
        },
    )

    text: str | None = Field(None, description="One text. Either this or `texts`.")
    texts: list[str] | None = Field(None, description="Several texts.")
    entity_types: Types | None = Field(None, description="Names of types, or {name: description}; by default the server's.")
    threshold: Number | str | dict[str, Number] | None = Field(
        None,
        description="What a score must exceed: a number, one per type, `calibrated` or a null slot; by default the server's.",
    )
    model: str | None = Field(None, description="Name of the model, as `/models` lists them; by default the first.")
    overlap: str | None = Field(None, description="`flat`, `nested` or `multi-label`; by default the server's.")

    @model_validator(mode="after")
    def _one_of_both(self) -> "PredictRequest":
        if (self.text is None) == (self.texts is None):
            raise ValueError('give either "text" or "texts"')
        return self

    @property
    def listed(self) -> list[str]:
        """Return the texts, also of a request for one."""
        return [self.text] if self.text is not None else list(self.texts or ())


class FoundEntity(BaseModel):
    """An entity. Offsets count characters, the last one does not belong to it."""

    word: str
    entity_group: str
    score: float
    start: int
    end: int


class PredictAnswer(BaseModel):
    """The entities of a text."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"entities": [{"word": "Google", "entity_group": "ORG", "score": 0.73, "start": 0, "end": 6}]}]
        }
    )

    entities: list[FoundEntity]


class Problem(BaseModel):
    """What is wrong with a request, in a sentence."""

    error: str
    request_id: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "The API key is missing or wrong."},
    408: {"model": Problem, "description": "The body did not arrive in time."},
    413: {"model": Problem, "description": "The body or a text is too long."},
    422: {"model": Problem, "description": "The body is no request, or asks for what the model cannot do."},
    429: {"model": Problem, "description": "Too many requests wait. Try again later."},
    500: {"model": Problem, "description": "The server failed."},
    503: {"model": Problem, "description": "The server is shutting down."},
    504: {"model": Problem, "description": "The request took too long."},
}

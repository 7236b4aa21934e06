"""spanmatch: zero-shot named-entity recognition by matching spans of text to described types.

>>> from spanmatch import SpanMatcher
>>> matcher = SpanMatcher.from_pretrained("models/quickstart")
>>> matcher.predict("Ada Lovelace was born in London.", ["person", "city"])
"""

from typing import TYPE_CHECKING, Any

from spanmatch.entities import Entity, EntityType
from spanmatch.errors import InputError

if TYPE_CHECKING:
    from spanmatch.prediction.matcher import SpanMatcher

__version__ = "0.2.0"
__all__ = ["Entity", "EntityType", "InputError", "SpanMatcher", "__version__"]


def __getattr__(name: str) -> Any:
    # Imported when first asked for: torch and transformers take seconds, and `--help` should not.
    if name == "SpanMatcher":
        from spanmatch.prediction.matcher import SpanMatcher

        return SpanMatcher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

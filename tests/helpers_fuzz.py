"""What the fuzz tests share: a loop that tries generated inputs for a while, and odd texts.

    pytest tests/fuzz                       about a minute in all, the same inputs in every run
    pytest tests/fuzz --fuzz-minutes 30     as many as fit in half an hour
    pytest tests/fuzz --fuzz-seed 17        begin with round 17, which is how a failure is seen again

A round is a batch of inputs that one seed gives. What fails is shrunk by hypothesis to the smallest input that fails.
"""

import itertools
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import regex
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

Case = TypeVar("Case")
DEFAULT_MINUTES = 1.0
CASES_PER_ROUND = 20


@dataclass(kw_only=True)
class Fuzz:
    """Tries inputs until the share of a test is over, at least one round of them.

    Attributes:
        seconds: the share of each test.
        first_round: the seed of the first round.
        num_inputs: how many inputs each test has tried.
    """

    seconds: float
    first_round: int = 0
    num_inputs: Counter[str] = field(default_factory=Counter)

    def __call__(self, name: str, check: Callable[[Case], None], cases: st.SearchStrategy[Case], *, worth: int = 1) -> None:
        """Check generated cases.

        Args:
            name: the test, for the count.
            check: raises where a case shows a fault.
            cases: generates the cases.
            worth: how many inputs one case is, for the count.
        """
        until = time.monotonic() + self.seconds
        for number in itertools.count(self.first_round):
            self._round(name, check, cases, number, worth)
            if time.monotonic() > until:
                return

    def _round(self, name: str, check: Callable[[Case], None], cases: st.SearchStrategy[Case], number: int, worth: int) -> None:
        @seed(number)
        @settings(max_examples=CASES_PER_ROUND, database=None, derandomize=False, suppress_health_check=list(HealthCheck))
        @given(cases)
        def tried(case: Case) -> None:
            self.num_inputs[name] += worth
            note(f"--fuzz-seed {number}, {case!a}")
            check(case)

        tried()


# White space of every kind, also that which str.isspace does not know.
SPACES = [" ", "  ", "\t", "\n", "\n\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u00a0", "\u1680", "\u2003", "\u2009"]
SPACES += ["\u2028", "\u2029", "\u202f", "\u205f", "\u3000"]
# What nobody sees: format characters, joiners, bidi marks, variation selectors, fillers, tags, controls.
INVISIBLE = ["\u00ad", "\u034f", "\u061c", "\u115f", "\u17b4", "\u180e", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f"]
INVISIBLE += ["\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2060", "\u2066", "\u2067", "\u2068", "\u2069", "\ufeff"]
INVISIBLE += ["\ufe0e", "\ufe0f", "\u3164", "\uffa0", "\ufff9", "\U000e0001", "\U000e0041", "\U000e0100", "\U0001d173"]
INVISIBLE += ["\x00", "\x01", "\x07", "\x08", "\x1b", "\x7f", "\x80", "\x9f"]
EMOJI = ["🎉", "👍🏽", "🇳🇴", "👩‍💻", "❤️", "1️⃣", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "😀😀"]
WORDS = ["Ada", "Lovelace", "Anna Berg", "New York", "Oslo", "Zoë", "Zoe\u0308", "O'Neill", "Coca-Cola", "AT&T", "$5.00", "3,4%"]
WORDS += [
    "東京",
    "马云",
    "ソニー",
    "กรุงเทพ",
    "ສະບາຍ",
    "မြန်မာ",
    "محمد",
    "עִבְרִית",
    "हिन्दी",
    "தமிழ்",
    "Ñandú",
    "ǅ",
    "İ",
    "ß",
    "ﬁn",
    "Å",
    "𝔸𝕕𝕒",
    "𠮷野家",
]
WORDS += [
    "[SEP]",
    "[CLS]",
    "</s>",
    "<pad>",
    "##ada",
    "▁",
    "Ġ",
    "https://example.org/a?b=c#d",
    "a@b.org",
    "C:\\Temp",
    "{",
    "}",
    '"',
]
# A line separator may come between; what a person glues together comes most.
GLUE = st.sampled_from(["", " "])

pieces = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(WORDS),
    st.sampled_from(SPACES),
    st.sampled_from(INVISIBLE),
    st.sampled_from(EMOJI),
    st.text(max_size=6),  # every category but surrogates
    st.text(st.characters(categories=("Mn", "Me", "Mc", "Cf", "Cc", "Co", "Cn", "Sk", "Lm")), max_size=3),
    st.builds(
        lambda piece, count: piece * count,
        st.sampled_from([*EMOJI, *INVISIBLE, "a", "=", "\u0301", "ก", "\n"]),
        st.integers(2, 90),
    ),
)
odd_texts = st.builds(lambda found, glue: glue.join(found), st.lists(pieces, max_size=12), GLUE)

_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")


def is_visible(text: str) -> bool:
    """Say whether something of a text is seen on its own: not a space, a control or format character, or a mark."""
    return any(
        unicodedata.category(char)[0] not in "ZM"
        and unicodedata.category(char) not in {"Cc", "Cf"}
        and not _IGNORABLE.match(char)
        for char in text
    )

"""What the quality benchmark trains, calibrates and tests on, made from the public data sets (see their INDEX.md).

The pool is the English sets marked train. Some sets are left out of it whole, and of the rest some types: what is asked
for a threshold must not have been trained. Texts of the benchmarks' test files are never trained on either.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from spanmatch.entities import normalise

DEV_9 = (
    "crossner_ai", "crossner_literature", "crossner_science", "mit_restaurant", "fewnerd_inter", "oa_mine", "wnut17",
    "ncbi_disease", "tasteset",
)  # fmt: skip
# The names that people type first.
EVERYDAY_3 = ("conll2003", "uner_en_ewt", "wikineural_en")
# What two of them call the rest of all names, and the mark of a list without it.
RESIDUAL, WITHOUT = ("misc", "miscellaneous"), ", no misc"
PLAIN_3 = tuple(f"{name}{WITHOUT}" for name in EVERYDAY_3)
# The order decides which of two equal sentences counts, and what a seed draws.
POOL = (
    "anatem", "broad_twitter", "craft", "fashion_brands", "fewnerd_inter", "food_ingredients", "hwu64_slots",
    "materials_synthesis", "msbot_skills", "multidogo_airline", "multidogo_fastfood", "multidogo_finance",
    "multidogo_insurance", "multidogo_software", "nlupp", "pii_synth", "reddit_drugs", "restaurant8k", "sgd_slots", "skillspan",
    "slurp", "stackoverflow_ner", "wlp",
    "aptner", "attacker", "dnrti", "few_tk", "med_open_types", "pile_ner_subset", "raredis",
    "rasa_nlu", "scierc", "sim_m", "sim_r", "wdc_pave",
)  # fmt: skip
# Left out whole: other texts and, but for everyday types, other types than anything trained on. For choosing thresholds only.
HELD_OUT_EVERYDAY = ("gum", "hipe_en")
HELD_OUT_SETS = ("anem", "cyner", "music_queries", "re3d", "ae_110k", "snips_slots", "sofc_slots", *HELD_OUT_EVERYDAY)
SPLITS = ("train", "dev", "test")
# Of the type names that are mentioned at least so often, in no more sets than this, that share is held out.
FREQUENT, WIDESPREAD, HELD_OUT_SHARE = 40, 3, 0.1
LARGEST_SHARE = 0.125  # of a sample, that one set may have
LEAST_CALIBRATION = 30  # sentences
MAX_WORDS = 100  # longer ones, 1.2% of the pool, cost every system more than they teach


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A line of a set: its words, the names of the types that it was annotated for, and spans (first word, end, name)."""

    source: str
    tokens: tuple[str, ...]
    names: tuple[str, ...]
    spans: tuple[tuple[int, int, str], ...]

    @property
    def key(self) -> str:
        """The same for the same words, whatever their case."""
        return " ".join(self.tokens).casefold()


def read_types(datasets: Path, source: str) -> tuple[dict[str, str], dict[str, str]]:
    """The types of a set, {name: description}, and the names by tag."""
    entries = json.loads((datasets / source / "labels.json").read_text(encoding="utf-8"))
    name_of = {tag: entry.get("name") or tag for tag, entry in entries.items()}
    described: dict[str, str] = {}
    for tag, entry in entries.items():
        described[name_of[tag]] = described.get(name_of[tag]) or entry.get("description") or ""
    return described, name_of


def read_sentences(datasets: Path, source: str, split: str) -> list[Sentence]:
    """The sentences of one split, none where there is no such split.

    Where a line does not say what it was annotated for, it is what occurs in its file: Few-NERD's parts differ in that.
    """
    path = datasets / source / f"{split}.jsonl"
    if not path.is_file():
        return []
    described, name_of = read_types(datasets, source)

    def name(label: str) -> str:
        return label if label in described else name_of.get(label, label)

    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    occurring = tuple(sorted({name(span["label"]) for record in records for span in record["token_spans"]}))
    found = []
    for record in records:
        spans = tuple((span["start"], span["end"], name(span["label"])) for span in record["token_spans"])
        names = tuple(dict.fromkeys(map(name, record["labels"]))) if "labels" in record else occurring
        found.append(Sentence(source=source, tokens=tuple(record["tokens"]), names=names, spans=spans))
    return [item for item in found if item.tokens]


def benchmark_types(datasets: Path) -> set[str]:
    """The type names of dev-9, normalised."""
    return {normalise(name) for source in DEV_9 for item in read_sentences(datasets, source, "test") for name in item.names}


def _is_chosen(name: str, share: float) -> bool:
    """A choice that depends on the name alone."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) < share * 0x1_0000_0000


@dataclass(frozen=True, kw_only=True)
class Pool:
    """All sentences that may be trained on, and the type names (normalised) that may not."""

    descriptions: dict[str, dict[str, str]]
    sentences: list[Sentence]
    held_out: frozenset[str]
    held_out_sets: tuple[str, ...]

    def without_held_out(self, item: Sentence) -> Sentence:
        """A sentence as if nobody had annotated it for the types that are held out."""
        names = tuple(name for name in item.names if normalise(name) not in self.held_out)
        spans = tuple(span for span in item.spans if normalise(span[2]) not in self.held_out)
        return Sentence(source=item.source, tokens=item.tokens, names=names, spans=spans)


def read_pool(
    datasets: Path,
    sources: Iterable[str],
    *,
    held_out_sets: tuple[str, ...] = HELD_OUT_SETS,
    held_out_share: float = HELD_OUT_SHARE,
) -> Pool:
    """Read the sets, without texts of the benchmarks, of the sets held out, and without duplicates."""
    seen = {item.key for source in (*DEV_9, *EVERYDAY_3) for item in read_sentences(datasets, source, "test")}
    seen |= {item.key for source in held_out_sets for split in SPLITS for item in read_sentences(datasets, source, split)}
    sentences = []
    for source in sources:
        for item in read_sentences(datasets, source, "train"):
            if item.key not in seen and len(item.tokens) <= MAX_WORDS:
                seen.add(item.key)
                sentences.append(item)
    mentions = Counter(normalise(name) for item in sentences for _, _, name in item.spans)
    in_sets = Counter(name for _, name in {(item.source, normalise(name)) for item in sentences for _, _, name in item.spans})
    asked = benchmark_types(datasets)
    held_out = {
        name
        for name, count in mentions.items()
        if count >= FREQUENT and in_sets[name] <= WIDESPREAD and name not in asked and _is_chosen(name, held_out_share)
    }
    descriptions = {source: read_types(datasets, source)[0] for source in sources}
    return Pool(descriptions=descriptions, sentences=sentences, held_out=frozenset(held_out), held_out_sets=held_out_sets)


def sample_by_type(
    pool: Pool, number: int | None, seed: int, *, keep_held_out: bool = False, largest: Mapping[str, float] | None = None
) -> list[Sentence]:
    """A sample that favours rare types: a sentence counts as its rarest type does, by the root of how often that is mentioned.

    No set is more than `LARGEST_SHARE` of it, or what `largest` says of it. Weighted sampling without replacement:
    Efraimidis and Spirakis, Information Processing Letters 97(5), 2006.
    """
    sentences = pool.sentences if keep_held_out else [pool.without_held_out(item) for item in pool.sentences]
    sentences = [item for item in sentences if item.names]
    rng = random.Random(seed)
    if number is None:
        rng.shuffle(sentences)
        return sentences
    own_names = [{normalise(name) for _, _, name in item.spans} for item in sentences]
    mentions = Counter(name for names in own_names for name in names)
    weights = [max((mentions[name] ** -0.5 for name in names), default=len(sentences) ** -0.5) for names in own_names]
    keys = [rng.random() ** (1 / weight) for weight in weights]
    chosen: list[Sentence] = []
    of_source: Counter[str] = Counter()
    for index in sorted(range(len(sentences)), key=lambda index: -keys[index]):
        source = sentences[index].source
        if len(chosen) < number and of_source[source] < (largest or {}).get(source, LARGEST_SHARE) * number:
            of_source[source] += 1
            chosen.append(sentences[index])
    rng.shuffle(chosen)
    return chosen


def write_sentences(folder: Path, file: str, descriptions: dict[str, str], sentences: Iterable[Sentence]) -> None:
    """A set in our form: its sentences, and its types beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    sentences = list(sentences)
    names = sorted({name for item in sentences for name in item.names})
    types = {name: {"name": name, "description": descriptions.get(name, "")} for name in names}
    (folder / "labels.json").write_text(json.dumps(types, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with (folder / file).open("w", encoding="utf-8") as out:
        for item in sentences:
            spans = [{"start": start, "end": end, "label": name} for start, end, name in item.spans]
            line = {"tokens": item.tokens, "token_spans": spans, "labels": item.names}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")


def write_training(folder: Path, pool: Pool, sentences: Sequence[Sentence]) -> None:
    """A folder per set, and all sentences in one file, in their order, for those who read it so."""
    by_source: dict[str, list[Sentence]] = {}
    for item in sentences:
        by_source.setdefault(item.source, []).append(item)
    for source, own in by_source.items():
        write_sentences(folder / source, "train.jsonl", pool.descriptions[source], own)
    write_sentences(folder, "all.jsonl", {}, sentences)


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """Sentences to tag with one list of types, {name: description}; `counted` are those whose names (normalised) count.

    `is_new` says that nothing of the set was trained on.
    """

    name: str
    types: dict[str, str]
    sentences: list[Sentence]
    counted: frozenset[str]
    is_new: bool = True

    @property
    def gold(self) -> list[tuple[tuple[int, int, str], ...]]:
        """The spans of each sentence."""
        return [item.spans for item in self.sentences]


def calibration_sets(datasets: Path, pool: Pool, trained: Set[str], per_set: int, seed: int) -> list[TestSet]:
    """Sets held out whole, to choose thresholds on, and what development files have of the types held out of the other sets.

    All types of the set are asked for; those count that were not trained, and all of sets with everyday types. Mentions of
    types held out of other sets were in texts of the training, as nothing that was asked for: they score lower than types of
    a set that is new, as the benchmarks are.

    Args:
        per_set: sentences of each; of sets held out whole four times as many.
    """
    found = []
    for source in (*pool.held_out_sets, *pool.descriptions):
        whole = source in pool.held_out_sets
        splits = SPLITS if whole else SPLITS[1:2] if source in DEV_9 else SPLITS[1:]
        sentences = [item for split in splits for item in read_sentences(datasets, source, split)]
        described = read_types(datasets, source)[0]
        names = sorted({name for item in sentences for name in item.names})
        counted = frozenset(map(normalise, names))
        if source not in HELD_OUT_EVERYDAY:
            counted -= trained
        if not whole:
            counted &= pool.held_out
            sentences = [item for item in sentences if any(normalise(name) in counted for _, _, name in item.spans)]
        random.Random(f"{seed} {source}").shuffle(sentences)
        if counted and len(sentences) >= LEAST_CALIBRATION:
            types = {name: described.get(name, "") for name in names}
            sentences = sentences[: 4 * per_set if whole else per_set]
            found.append(TestSet(name=source, types=types, sentences=sentences, counted=counted, is_new=whole))
    return found


def benchmark_set(datasets: Path, source: str, *, without: Sequence[str] = ()) -> TestSet:
    """A test file with its own list of types, or with that list but for some types, as if nobody had annotated them."""
    sentences = read_sentences(datasets, source, "test")
    described = read_types(datasets, source)[0]
    names = sorted({name for item in sentences for name in item.names} - set(without))
    types = {name: described.get(name, "") for name in names}
    if without:
        sentences = [replace(item, spans=tuple(span for span in item.spans if span[2] in types)) for item in sentences]
    name = f"{source}{WITHOUT}" if without else source
    return TestSet(name=name, types=types, sentences=sentences, counted=frozenset(map(normalise, names)))


def benchmark_sets(datasets: Path) -> list[TestSet]:
    """The test files of dev-9 and everyday-3, and those of everyday-3 again without "miscellaneous" in their lists."""
    whole = [benchmark_set(datasets, name) for name in (*DEV_9, *EVERYDAY_3)]
    return whole + [benchmark_set(datasets, name, without=RESIDUAL) for name in EVERYDAY_3]

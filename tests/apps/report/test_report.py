"""The HTML report: its numbers are those of the metrics, and what users write in texts and labels stays text."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from helpers_report import FLOOR, Scored, evaluation_of, make_corpus, mention, noisy, report

from spanmatch.data.corpus import Corpus
from spanmatch.data.words import split_words
from spanmatch.entities import Mention
from spanmatch.evaluation.calibration import best_threshold
from spanmatch.evaluation.confidence import f1_intervals
from spanmatch.evaluation.confusion import count_confusions
from spanmatch.evaluation.curves import precision_recall, reliability

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """A page as a reader meets it: tags that must close, text, tables, and what is marked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.by_id: dict[str, str] = {}
        self.marks: list[tuple[str, str]] = []
        self.text = ""
        self._rows: list[list[str]] = []
        self._ids: list[str | None] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag in VOID:
            return
        self.open.append(tag)
        self._ids.append(given.get("id"))
        if tag == "div" and given.get("class") == "scroll":
            self._rows = self.tables.setdefault(str(given["aria-label"]), [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"th", "td"}:
            self._rows[-1].append("")
        elif tag == "mark":
            self.marks.append((str(given["class"]), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._ids.pop()

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if {"th", "td"} & set(self.open):
            self._rows[-1][-1] += data
        if "mark" in self.open:
            kind, text = self.marks[-1]
            self.marks[-1] = (kind, text + data)
        for name in filter(None, self._ids):
            self.by_id[name] = self.by_id.get(name, "") + data


@pytest.fixture(scope="module")
def html(products: tuple[Corpus, list[Scored]], tmp_path_factory: pytest.TempPathFactory) -> str:
    return report(tmp_path_factory.mktemp("report") / "new" / "report.html", *products)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


class TestNumbers:
    def test_summary(self, page: Page, products: tuple[Corpus, list[Scored]]) -> None:
        metrics = evaluation_of(*products).metrics
        low, high = metrics.f1_interval
        assert page.by_id["micro-f1"] == f"{metrics.micro.f1:.4f}95%: {low:.4f} to {high:.4f}"
        assert page.by_id["precision"].startswith(f"{metrics.micro.precision:.4f}{metrics.micro.true_positives} of ")
        assert page.by_id["recall"].startswith(f"{metrics.micro.recall:.4f}")
        assert page.by_id["macro-f1"].startswith(f"{metrics.macro_f1:.4f}")
        assert page.by_id["num-examples"] == "300"

    def test_types(self, page: Page, products: tuple[Corpus, list[Scored]]) -> None:
        corpus, scored = products
        metrics = evaluation_of(corpus, scored).metrics
        found = [[item for item, score in items if score > 0.5] for items in scored]
        intervals = f1_intervals([example.mentions for example in corpus.examples], found)
        rows = page.tables["F1 by type"][1:]
        assert [int(row[6]) for row in rows] == sorted((item.num_gold for item in metrics.per_type.values()), reverse=True)
        for label, _, f1, interval, precision, recall, _, predicted in rows:
            counts = metrics.per_type[label]
            assert [f1, precision, recall] == [f"{value:.4f}" for value in (counts.f1, counts.precision, counts.recall)]
            assert interval == "{:.4f} to {:.4f}".format(*intervals[label])
            assert predicted == str(counts.num_predicted)

    def test_curves(self, page: Page, products: tuple[Corpus, list[Scored]]) -> None:
        corpus, scored = products
        gold = [example.mentions for example in corpus.examples]
        curve = precision_recall(scored, gold).micro
        rows = page.tables["Precision and recall by threshold"][1:]
        assert [row[0] for row in rows] == [f"0.{digit}" for digit in range(1, 10)]
        for threshold, precision, recall, f1, predicted in rows:
            counts = curve.at(float(threshold))
            assert [precision, recall, f1] == [f"{value:.4f}" for value in (counts.precision, counts.recall, counts.f1)]
            assert int(predicted) == counts.num_predicted
        best = best_threshold(scored, gold, floor=FLOOR)
        assert f"best F1 on this file, {best.f1:.4f} at threshold {best.threshold:.4f}" in page.text
        result = reliability(scored, gold)
        assert page.by_id["calibration-error"] == f"{result.expected_calibration_error:.4f}"
        assert [int(row[-1]) for row in page.tables["Calibration by score"][1:]] == [item.count for item in result.bins]

    def test_confusion(self, page: Page, products: tuple[Corpus, list[Scored]]) -> None:
        corpus, scored = products
        found = [[item for item, score in items if score > 0.5] for items in scored]
        confusion = count_confusions([example.mentions for example in corpus.examples], found)
        for name, pairs in (("equal", confusion.equal), ("overlapping", confusion.overlapping)):
            header, *rows = page.tables[f"Confusion of types, {name} spans"]
            shown = {
                (None if gold == "nothing" else gold, None if predicted == "nothing" else predicted): int(count)
                for gold, *counts in rows
                for predicted, count in zip(header[1:], counts, strict=True)
                if count
            }
            assert shown == pairs

    def test_errors(self, page: Page, products: tuple[Corpus, list[Scored]]) -> None:
        errors = evaluation_of(*products).metrics.errors
        counts = [int(row[1].replace(",", "")) for row in page.tables["Errors by class"][1:]]
        assert counts == list(vars(errors).values())
        assert all(count > 0 for count in counts[:2]) and errors.missed > 6
        focused = [text for kind, text in page.marks if "focus" in kind]
        assert len(focused) == 1 + sum(min(count, 6) for count in counts)  # one is in the legend

    def test_settings(self, page: Page) -> None:
        rows = dict(map(tuple, page.tables["Settings"]))
        assert rows == {
            "model": "models/made",
            "file": "made.jsonl",
            "threshold": "0.5",
            "overlap": "flat",
            "commit": "unknown",
            "seed": "0",
        }


class TestPageAsAFile:
    def test_needs_nothing_else(self, html: str, page: Page) -> None:
        assert not re.findall(r"https?://|@import|url\((?!#)|//cdn", html)
        assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
        assert not [name for _, given in page.tags for name in given if name.startswith("on")]
        assert [given for _, given in page.tags if not (given.get("href") or "#").startswith("#")] == []

    def test_ids_are_unique_and_links_lead_somewhere(self, page: Page) -> None:
        ids = [given["id"] for _, given in page.tags if "id" in given]
        assert len(ids) == len(set(ids))
        assert {str(given["href"])[1:] for _, given in page.tags if "href" in given} <= set(ids)

    def test_pictures_have_a_text(self, page: Page) -> None:
        pictures = [given for tag, given in page.tags if tag == "svg" and given.get("aria-hidden") != "true"]
        assert len(pictures) == 2
        assert all(given["role"] == "img" and "Numbers are in the table." in str(given["aria-label"]) for given in pictures)

    def test_colours_are_those_of_the_page(self, html: str) -> None:
        svgs = re.findall(r"<svg role=.*?</svg>", html, flags=re.DOTALL)
        colours = {colour for svg in svgs for colour in re.findall(r"(?:fill|stroke): ([^;\"]+)", svg)}
        assert {colour for colour in colours if not colour.startswith("var(--")} == {"none"}
        assert set(re.findall(r"var\((--[\w-]+)\)", html)) <= {*re.findall(r"(--[\w-]+):", html)}

    def test_equal_evaluations_have_equal_bytes(self, html: str, products: tuple[Corpus, list[Scored]], tmp_path: Path) -> None:
        assert report(tmp_path / "again.html", *products) == html
        backwards = [items[::-1] for items in products[1]]
        assert report(tmp_path / "order.html", products[0], backwards) == html


EVIL = '<script>alert("1")</script>'


class TestWhatUsersWrite:
    def test_is_escaped(self, tmp_path: Path) -> None:
        text = f"{EVIL} & <b>bold</b> ]]> <!-- {{{{ 7 * 7 }}}} $x^2$ end"
        gold = [mention(text, "<b>bold</b>", EVIL), mention(text, "$x^2$", "_city $\\frac{1}{2}$")]
        corpus = make_corpus([(text, gold)] * 2, types=["' onmouseover='x"])
        scored = [[(mention(text, "<b>bold</b>", EVIL), 0.9), (mention(text, "$x^2$", "' onmouseover='x"), 0.8)]] * 2
        settings = {"file": EVIL, "model": "--><svg onload=x>", "versions": {EVIL: "1"}, "threshold": 0.5}
        html = report(tmp_path / "report.html", corpus, scored, settings=settings)
        page = Page(html)
        assert "<script" not in html and "onload=x>" not in html.replace("onload=x&gt;", "")
        assert not [name for _, given in page.tags for name in given if name.startswith("on")]
        assert EVIL in page.text and "{{ 7 * 7 }}" in page.text and "$x^2$" in page.text
        assert dict(map(tuple, page.tables["Settings"]))["versions"] == f"{EVIL} 1"
        assert page.tables["F1 by type"][1][0] == EVIL

    @pytest.mark.parametrize(
        ("text", "surface"),
        [
            ("سافرت ليلى حسن من بيروت إلى القاهرة", "بيروت"),
            ("李华昨天从上海飞往北京参加清华大学的会议", "清华大学"),
            ("👩‍👩‍👧 met Zoë 🎉 in São Paulo", "São Paulo"),
            ("line\n\n  two\tof it", "two"),
        ],
    )
    def test_any_script(self, text: str, surface: str, tmp_path: Path) -> None:
        corpus = make_corpus([(text, [mention(text, surface, surface)])], types=["other"])
        page = Page(report(tmp_path / "report.html", corpus, [[(mention(text, surface, "other"), 0.9)]]))
        assert ("gold", surface + surface) in page.marks
        assert ("wrong focus", f"{surface}other 0.90") in page.marks
        assert text.partition(surface)[0] in page.text and text.partition(surface)[2] in page.text


class TestUnusualEvaluations:
    @pytest.mark.parametrize(
        ("rows", "scored", "said"),
        [
            ([("no one there", [])], [[]], ["The file has no gold mentions", "Nothing was predicted", "Neither gold nor"]),
            ([("", [])], [[]], ["The file has no gold mentions"]),
            ([("Bob", [Mention(start=0, end=3, label="a")])], [[]], ["Nothing was predicted", "nothing scores above 0.02"]),
            ([("Bob", [])], [[(Mention(start=0, end=3, label="a"), 0.9)]], ["No curve: the file has no gold mentions"]),
            ([("Bob", [Mention(start=0, end=3, label="a")])], [[(Mention(start=0, end=3, label="a"), 0.1)]], ["Nothing was pre"]),
        ],
        ids=["nothing", "empty text", "no prediction", "no gold", "below the threshold"],
    )
    def test_what_cannot_be_drawn_is_said(
        self, rows: list[tuple[str, list[Mention]]], scored: list[Scored], said: list[str], tmp_path: Path
    ) -> None:
        page = Page(report(tmp_path / "report.html", make_corpus(rows), scored))
        assert all(words in page.text for words in said)

    def test_one_type_found(self, tmp_path: Path) -> None:
        gold = Mention(start=0, end=3, label="a")
        page = Page(report(tmp_path / "report.html", make_corpus([("Bob", [gold])]), [[(gold, 1.0)]]))
        assert page.tables["F1 by type"][1] == ["a", "", "1.0000", "1.0000 to 1.0000", "1.0000", "1.0000", "1", "1"]
        assert page.text.count("average precision") == 1  # the type alone is all types

    def test_many_types(self, tmp_path: Path) -> None:
        rows = []
        for index in range(200):
            text = " ".join(f"word{index}" for _ in range(1 + index // 20))
            rows.append((text, [Mention(start=s, end=e, label=f"type {index}") for s, e in split_words(text)]))
        corpus = make_corpus(rows, types=["never seen"])
        scored = [[(item, score) for item, score in items if item.label != "never seen"] for items in noisy(corpus)]
        page = Page(report(tmp_path / "report.html", corpus, scored))
        table = page.tables["F1 by type"]
        assert len(table) == 2 + 201 and "171 more types" in page.text  # folded, with a head of its own
        assert table[-1] == ["never seen", "", "–", "–", "–", "–", "0", "0"]
        grid = page.tables["Confusion of types, equal spans"]
        assert len(grid) == 1 + 25 and "175 more are not in the table" in page.text
        assert len(page.tables["Most frequent confusions"]) == 1 + 20

    def test_gold_that_overlaps(self, tmp_path: Path) -> None:
        text = "the University of London hired"
        gold = [mention(text, "University of London", "org"), mention(text, "London", "city"), mention(text, "London", "org")]
        corpus = make_corpus([(text, gold)])
        page = Page(report(tmp_path / "report.html", corpus, [[(gold[0], 0.9)]]))
        assert "recall ceiling" in page.text
        assert page.marks.count(("gold focus", "Londoncity")) == 1 and page.marks.count(("gold focus", "Londonorg")) == 1
        assert page.text.count("2 more overlap these") == 2

    def test_in_tokens_predictions_are_compared_as_whole_tokens(self, tmp_path: Path) -> None:
        corpus = make_corpus([("from Osloville", [mention("from Osloville", "Osloville", "city")])])
        inside = mention("from Osloville", "Oslo", "city")
        for format, classes in (("tokens", []), ("text", ["wrong focus", "wrong"])):
            page = Page(report(tmp_path / f"{format}.html", corpus, [[(inside, 0.9)]], format=format))
            assert [kind for kind, text in page.marks if text.startswith("Oslo") and "wrong" in kind] == classes

    def test_long_texts_are_cut_around_the_error(self, tmp_path: Path) -> None:
        text = "before " * 500 + "Ada Lovelace " + "after " * 500
        corpus = make_corpus([(text, [mention(text, "Ada Lovelace", "person")])])
        html = report(tmp_path / "report.html", corpus, [[]])
        assert ("gold focus", "Ada Lovelaceperson") in Page(html).marks
        assert 5 < html.count("before ") < 40 and "… </span>before" in html

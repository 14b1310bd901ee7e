"""Search at 10,000 documents beside its anchors: ``python -m bench.search [--documents N]``.

One run, interleaved, medians over the queries of each one's median. Hot: the same words were
asked before (a next page, another filter). Cold: all that the engine kept of earlier queries is
thrown away before each one; the files are in the system's cache in both cases. The anchors find
documents and stop; ours also counts facets, marks words and cuts snippets.
The texts are made here from a fixed seed, or come from a folder of real ones with ``--corpus``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.anchors.search import Scan, StockWhoosh
from jiceng_cms.search.analysis import normalise, parse_query
from jiceng_cms.search.interface import Batch, SearchDocument, SearchQuery
from jiceng_cms.search.whoosh_engine import WhooshEngine

_SUBJECTS = [
    "机耕路",
    "水渠",
    "路灯",
    "文化广场",
    "低保",
    "危房改造",
    "集体鱼塘",
    "垃圾清运",
    "饮水管网",
    "卫生厕所",
]
_VERBS = ["维修", "验收", "招标", "公示", "评议", "补贴", "结算", "移交", "复核", "巡查"]
_PLACES = ["东头", "西坡", "槐树湾", "石桥", "李家塘", "上垄", "后山", "新屋场"]
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = "昱蓁珺烨澍骁筠翊霁岚桐妤芃琤"
_QUERIES = [
    "低保",
    "公示",
    "2023年",
    "路灯维修",
    "危房改造补贴",
    "“集体鱼塘招标”",
    "机耕路",
    "饮水管网",
    "槐树湾",
    "昱蓁",
    "第三季度",
    "評議",
    "結算表",
    "垃圾清运",
    "元",
    "后山水渠",
]


@dataclass(frozen=True)
class Row:
    """One line of the table: our median and the anchor's, in milliseconds."""

    name: str
    ours: float
    anchor: float

    @property
    def ratio(self) -> float:
        return self.ours / self.anchor


def made_documents(count: int) -> list[SearchDocument]:
    """Plausible publications of some 1,500 characters from a fixed seed, newest first."""
    chance = random.Random(2)
    pick = chance.choice
    start = datetime(2026, 1, 1, tzinfo=UTC)
    documents = []
    for number in range(count):
        sentences = [
            f"{pick(_PLACES)}{pick(_SUBJECTS)}{pick(_VERBS)}由"
            f"{pick(_SURNAMES)}{pick(_GIVEN)}{pick(_GIVEN)}经办，支出{chance.randrange(99999)}元，"
            f"{chance.randrange(2015, 2026)}年第{pick('一二三四')}季度{pick(_VERBS)}，"
            f"{chr(chance.randrange(0x4E00, 0x9000))}{chr(chance.randrange(0x4E00, 0x9000))}。"
            for _ in range(36)
        ]
        unit = f"99010110{number % 300:04d}"
        documents.append(
            _document(
                f"{unit}/{number:08d}",
                unit,
                f"{pick(_PLACES)}{pick(_SUBJECTS)}{pick(_VERBS)}情况",
                "".join(sentences),
                start - timedelta(hours=number),
            )
        )
    return documents


def real_documents(folder: Path, count: int) -> list[SearchDocument]:
    """The texts of ``docs10k.jsonl.gz`` in ``folder``, newest first."""
    documents = []
    with gzip.open(folder / "docs10k.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line, _ in zip(lines, range(count), strict=False):
            row = json.loads(line)
            moment = datetime.fromisoformat(f"{row['date']}T04:00:00+00:00")
            body = "\n".join((row["body"], row["table"], row["attach"], row["unit_name"]))
            documents.append(
                _document(f"{row['unit']}/{row['id']}", row["unit"], row["title"], body, moment)
            )
    return sorted(documents, key=lambda d: d.published_at, reverse=True)


def _document(key: str, unit: str, title: str, body: str, moment: datetime) -> SearchDocument:
    return SearchDocument(
        key=key, unit=unit, unit_name="", type="disclosure", kind="affairs", state="current",
        title=title, body=body, table="", attachments="", number="", published_at=moment,
        year=moment.year, url=f"/u/{key}",
    )  # fmt: skip


def measure(documents: Sequence[SearchDocument], queries: Sequence[str], rounds: int) -> list[Row]:
    """Index ``documents`` in three ways and ask each of them ``queries``."""
    texts = [normalise(f"{d.title}\n{d.body}") for d in documents]
    asked = [(text, [term.text for term in parse_query(text)]) for text in queries]
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as stock_folder:
        engine = WhooshEngine(ours)
        began = time.perf_counter()
        for at in range(0, len(documents), 100):
            engine.apply(Batch(tuple(documents[at : at + 100]), (), at + 100))
        indexed = time.perf_counter() - began
        engine.optimise()
        scan, stock = Scan(texts), StockWhoosh(Path(stock_folder), texts)
        print(f"{len(documents)} documents, {len(asked)} queries, indexed in {indexed:.1f} s")

        def cold(text: str) -> None:
            for segment in engine._view.segments:
                segment.reader.forget()
            engine.search(SearchQuery(text, per_page=10))

        times: dict[str, list[float]] = {name: [] for name in ("hot", "cold", "scan", "stock")}
        for text, words in asked:
            # The stock index of pairs can't answer one character, nor letters and digits.
            usable = all(len(w) > 1 and w.isalpha() and not w.isascii() for w in words)
            ways: dict[str, Callable[[], object]] = {
                "hot": lambda text=text: engine.search(SearchQuery(text, per_page=10)),
                "cold": lambda text=text: cold(text),
                "scan": lambda words=words: scan.top_ten(words),
            }
            if usable:
                ways["stock"] = lambda words=words: stock.top_ten(words)
            for name, took in _interleaved(ways, rounds).items():
                times[name].append(took)
        update = documents[0]
        began = time.perf_counter()
        engine.apply(Batch((update,), (), engine.cursor() + 1))
        print(f"one update searchable after {(time.perf_counter() - began) * 1000:.0f} ms")
        engine.close()
        stock.close()
    middle = {name: statistics.median(values) for name, values in times.items()}
    return [
        Row("top ten with counts, hot / scan in memory", middle["hot"], middle["scan"]),
        Row("top ten with counts, cold / scan in memory", middle["cold"], middle["scan"]),
        Row("top ten with counts, hot / stock Whoosh phrase", middle["hot"], middle["stock"]),
        Row("top ten with counts, cold / stock Whoosh phrase", middle["cold"], middle["stock"]),
    ]


def _interleaved(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            taken[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(values) for name, values in taken.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--corpus", type=Path, help="a folder of real texts and queries")
    chosen = parser.parse_args(arguments)
    if chosen.corpus:
        documents = real_documents(chosen.corpus, chosen.documents)
        rows = json.loads((chosen.corpus / "queries.json").read_text(encoding="utf-8"))
        queries = [row["q"] for row in rows]
    else:
        documents, queries = made_documents(chosen.documents), list(_QUERIES)
    for row in measure(documents, queries, chosen.rounds):
        print(f"{row.name:<50}{row.ours:9.2f} ms{row.anchor:9.2f} ms   ratio {row.ratio:.3f}")


if __name__ == "__main__":
    main()

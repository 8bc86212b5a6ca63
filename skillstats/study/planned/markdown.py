"""The tables of a study as Markdown: one a metric, worlds down, estimators across, every number with its Monte-Carlo error."""

from __future__ import annotations

import math
from typing import Any, Final

import pandas as pd

from skillstats.study.planned.metrics import METRICS
from skillstats.study.planned.run import StudyResult
from skillstats.study.planned.standing import standings

WORDS: Final = {
    "low": "lower is better",
    "high": "higher is better",
    "nominal": "should be .90",
    "": "",
}


def markdown(result: StudyResult) -> str:
    """All tables of a study; the same bytes for the same rows."""
    study = result.study
    lines = [f"# {study.title or study.name}", ""]
    if study.about:
        lines += [study.about, ""]
    desks = sorted({int(n) for n in result.metrics["desks"]})
    lines += [
        f"{result.tasks} desks ({' or '.join(map(str, desks))} a cell), {result.failed} failed; level {study.level}, seed {study.seed}; hurdle {study.hurdle:g} "
        f"annual IR, certainty {study.certainty:.2f}. In brackets Monte-Carlo errors, desks drawn again. A dash: the method has no such number. "
        f"`{result.digest[:16]}` is the digest of rows and metrics.",
        "",
    ]
    if len(study.estimators) > 1:
        lines += _standing(result)
    for word in dict.fromkeys(result.metrics["metric"]):
        lines += _metric(result, str(word))
    if not result.needed.empty:
        lines += _needed(result)
    return "\n".join(lines) + "\n"


def number(value: Any, digits: int = 3) -> str:
    """A number of a table; a dash where there is none.

    Examples
    --------
    >>> number(0.12345), number(float("nan")), number(-0.0001)
    ('0.123', '-', '0.000')
    """
    if value is None or not math.isfinite(float(value)):
        return "-"
    text = f"{float(value):.{digits}f}"
    return text[1:] if float(text) == 0 and text.startswith("-") else text


def digits_of(values: pd.Series[Any]) -> int:
    """Decimals that leave the typical value three figures, 2 to 5."""
    known = values[values.notna() & (values != 0)].abs()
    return 3 if known.empty else min(5, max(2, 2 - math.floor(math.log10(float(known.median())))))


def _table(heads: list[str], lines: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|", *("| " + " | ".join(row) + " |" for row in lines), ""]


def _metric(result: StudyResult, word: str) -> list[str]:
    part, metric = result.metrics[result.metrics["metric"] == word], METRICS[word]
    names = [e.name for e in result.study.estimators]
    digits = digits_of(part["value"])
    several = part["design"].nunique() > 1
    lines = []
    for (world, design), cell in part.groupby(["world", "design"], sort=False):
        own = cell.set_index("estimator")
        values = [_with_error(own.loc[n], digits) if n in own.index else "" for n in names]
        lines.append([f"{world}, {design}" if several else str(world), *values])
    side = f" ({WORDS[metric.better]})" if metric.better else ""
    return [f"## {metric.title[0].upper()}{metric.title[1:]}{side}", "", *_table(["world", *names], lines)]


def _with_error(line: Any, digits: int) -> str:
    if pd.isna(line["value"]):
        return "-"
    if pd.isna(line["error"]):
        return number(line["value"], digits)
    return f"{number(line['value'], digits)} ({number(line['error'], digits)})"


def _standing(result: StudyResult) -> list[str]:
    """The reference against the best rival of every cell."""
    table = standings(result.study, result.metrics)
    if table.empty:
        return []
    several = table["design"].nunique() > 1
    words = list(dict.fromkeys(table["metric"]))
    lines = []
    for (world, design), cell in table.groupby(["world", "design"], sort=False):
        own = cell.set_index("metric")
        lines.append(
            [
                f"{world}, {design}" if several else str(world),
                *(_standing_words(own.loc[w]) if w in own.index else "-" for w in words),
            ]
        )
    counts = ["first or level", *(_count(table[table["metric"] == w]) for w in words)]
    text = (
        f"`{result.study.own}` against the best rival of each world: first (nobody is better), level (a rival is better by less than 1.645 errors of the "
        "difference on the same desks), beaten (by more, and by whom); coverage: nominal within 4 points or 1.645 errors."
    )
    return ["## Who is best where", "", text, "", *_table(["world", *(METRICS[w].title for w in words)], [*lines, counts])]


def _standing_words(line: pd.Series[Any]) -> str:
    word = str(line["standing"])
    return f"**{word}** by {line['rival']}" if word == "beaten" else f"{word} with {line['rival']}" if word == "level" else word


def _count(part: pd.DataFrame) -> str:
    good = int(part["standing"].isin(["first", "level", "nominal"]).sum())
    first = int((part["standing"] == "first").sum())
    return f"{good} of {len(part)}" + (f" (first {first})" if first else "")


def _needed(result: StudyResult) -> list[str]:
    lines = [
        [str(r["world"]), str(r["estimator"]), f"{r['decisions']:,.0f}", f"{r['error']:,.0f}", str(r["between"])]
        for r in result.needed.to_dict(orient="records")
    ]
    head = f"Decisions for a power of {result.study.power:.2f}"
    return [f"## {head}", "", *_table(["world", "estimator", "decisions", "error", "found between"], lines)]

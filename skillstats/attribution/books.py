"""The model book, the actual book and their difference, each as factor parts, specific part, execution and what could not be attributed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from skillstats.attribution.decompose import Decomposed

BOOKS = ("model", "actual", "difference")


def book_table(d: Decomposed) -> pd.DataFrame:
    """One row a book over all closed rows, followed and undecided signals included; the parts of a book add to its total.

    Columns: book, total, ``factor <name>`` each, specific, execution, unattributed; currency. Execution of the model book is its cost, that of the
    actual book its cost and slippage. Actual less model is the difference in every column.
    """
    frame, known = d.rows.frame, d.attributed
    parts = {"model": d.model.part, "difference": d.deviation.part}
    parts["actual"] = parts["model"] + parts["difference"]
    total = {"model": frame["model_pnl"], "actual": frame["actual_pnl"], "difference": frame["value_add"]}
    difference = (frame["slippage"] + frame["cost"]).to_numpy()
    cost = -frame["model_cost"].to_numpy()
    execution = {"model": cost, "difference": difference, "actual": cost + difference}
    rows = []
    for book in BOOKS:
        own, rest = np.where(known[:, None], parts[book], 0.0), total[book].to_numpy() - execution[book]
        row = {"book": book, "total": float(total[book].sum())}
        row |= {f"factor {name}": float(own[:, j].sum()) for j, name in enumerate(d.returns.names)}
        row |= {"specific": float(np.where(known, rest - own.sum(axis=1), 0.0).sum()), "execution": float(execution[book].sum())}
        rows.append(row | {"unattributed": float(np.where(known, 0.0, rest).sum())})
    return pd.DataFrame(rows)

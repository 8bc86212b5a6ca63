"""The fit: a posterior, what it is of, and what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from xarray import DataTree

from skillstats.errors import UsageError
from skillstats.evidence import Evidence
from skillstats.inference.breadth import Breadth
from skillstats.inference.diagnose import FIT, Finding, diagnose
from skillstats.inference.separable import Terms
from skillstats.spec.model import ModelSpec

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Diagnostics:
    """How the sampler did: findings and counts, measured on the run that was kept; `target_accept` is None where nothing is proposed."""

    findings: tuple[Finding, ...]
    divergences: int
    max_rhat: float
    min_ess: float
    min_bfmi: float
    chains: int
    draws: int
    tune: int
    target_accept: float | None
    reruns: tuple[str, ...]
    seconds: Mapping[str, float]

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes that concern the fit as a whole, in order."""
        return tuple(dict.fromkeys(f.code for f in self.findings if f.scope == FIT))

    @property
    def ok(self) -> bool:
        """Whether nothing withholds the fit as a whole."""
        return not any(f.action == "WITHHOLD" and f.scope == FIT for f in self.findings)

    def __str__(self) -> str:
        acceptance = "" if self.target_accept is None else f", target acceptance {self.target_accept:g}"
        head = (
            f"{self.chains} x {self.draws} draws after {self.tune}{acceptance}: "
            f"{self.divergences} divergences, R-hat at most {self.max_rhat:.4f}, effective draws at least {self.min_ess:.0f}, "
            f"E-BFMI {self.min_bfmi:.2f}"
        )
        return "\n".join([head, *self.reruns, *map(str, self.findings)])


@dataclass(frozen=True)
class Fit:
    """Posterior draws of one model on one set of evidence.

    tree : DataTree; `posterior` has dims (chain, draw, ...) and coords trader, regime, action: mu, tau_*, a, b, c, g (y units per
        decision), s_V, s_U (trader), sigma (trader, regime) (y units), l_U, t_U, l0, t_sigma, l_r (logs); `sample_stats`
        diverging, energy
    breadth : B, independent bets a year, and how it arose
    terms : kept terms, and reasons for the dropped ones
    identity : spec, evidence, version, components, engine, seed; ``engine_sources`` of the Gibbs engine; ``custom`` where the user added a component
    """

    tree: DataTree
    spec: ModelSpec
    evidence: Evidence
    seed: int
    breadth: Breadth
    terms: Terms
    diagnostics: Diagnostics
    identity: Mapping[str, Any]

    @property
    def bets_per_year(self) -> float | None:
        """B, independent bets a year; None where priors are per decision only."""
        return self.breadth.value

    @property
    def engine(self) -> str:
        """The sampler that made the draws: ``nuts`` or ``gibbs``."""
        return str(self.identity.get("engine", "nuts"))

    @property
    def dropped(self) -> Mapping[str, str]:
        """Terms of the specification that the data cannot separate, with the reason."""
        return self.terms.dropped

    def __contains__(self, name: str) -> bool:
        return name in self.tree["posterior"].data_vars

    def draws(self, name: str) -> FloatArray:
        """Draws of one parameter, chains one after the other, shape (chain * draw, ...)."""
        values = np.asarray(self.tree["posterior"][name].values)
        return values.reshape(-1, *values.shape[2:])

    def summary(self) -> pd.DataFrame:
        """Mean, sd, 5/25/50/75/95% points, R-hat, ESS and MCSE of every parameter, one row each."""
        return posterior_table(self.tree)

    def save(self, path: str | Path) -> str:
        """Write posterior, specification and identity as netCDF; returns the file's sha256.

        The specification is stored in its canonical form, names of coordinates as text. Nothing is pickled, and how long the fit took is left out:
        the same evidence, model and seed give the same bytes.

        Raises
        ------
        UsageError
            If h5py, which h5netcdf writes through, is not installed.
        """
        return save_tree(self.tree, Path(path), told_of(self))

    def __str__(self) -> str:
        head = f"Fit of {self.spec.name} on {self.evidence}; seed {self.seed}"
        return "\n".join([head, self.breadth.reason, f"terms: {self.terms}", str(self.diagnostics)])


def posterior_table(tree: DataTree) -> pd.DataFrame:
    """Mean, sd, 5/25/50/75/95% points, R-hat, ESS and MCSE of every parameter of `posterior`, one row each."""
    rows = []
    for name, variable in tree["posterior"].data_vars.items():
        values = np.asarray(variable.values)
        table = {k: np.ravel(v) for k, v in diagnose(values).items()}
        flat = values.reshape(values.shape[0] * values.shape[1], -1)
        points = np.quantile(flat, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
        for k, label in enumerate(labels_of(variable)):
            row = {"parameter": f"{name}[{label}]" if label else name, "mean": flat[:, k].mean(), "sd": flat[:, k].std(ddof=1)}
            row |= dict(zip(("q05", "q25", "q50", "q75", "q95"), points[:, k], strict=True))
            rows.append(row | {key: column[k] for key, column in table.items()})
    return pd.DataFrame(rows).set_index("parameter")


def told_of(fit: Any) -> dict[str, str]:
    """What a file of draws says of its fit, as text; all of a fit's diagnostics but the seconds it took, which no second run repeats."""
    diagnostics = {k: v for k, v in msgspec.to_builtins(fit.diagnostics).items() if k != "seconds"}
    return {
        "identity": json.dumps(dict(fit.identity), sort_keys=True),
        "spec": msgspec.json.encode(fit.spec, order="deterministic").decode(),
        "terms": json.dumps(msgspec.to_builtins(fit.terms), sort_keys=True, default=dict),
        "breadth": fit.breadth.reason,
        "diagnostics": json.dumps(diagnostics, sort_keys=True, default=dict),
    }


def save_tree(tree: DataTree, path: Path, attrs: Mapping[str, str]) -> str:
    """Write draws and what they are of as netCDF; returns the file's sha256."""
    tree = tree.copy()
    tree.attrs = dict(attrs)
    try:
        tree.to_netcdf(path, engine="h5netcdf")
    except ImportError as error:
        raise UsageError(f"{path}: cannot be written ({error})") from None
    return hashlib.sha256(path.read_bytes()).hexdigest()


def labels_of(variable: Any) -> list[str]:
    """Names of the elements of a posterior variable beyond chain and draw, in C order; [""] for a scalar."""
    dims = [d for d in variable.dims if d not in ("chain", "draw")]
    columns = [[str(v) for v in variable.coords[d].values] for d in dims]
    grid = np.array(np.meshgrid(*columns, indexing="ij"), dtype=object).reshape(len(dims), -1) if dims else np.empty((0, 1))
    return [", ".join(column) for column in grid.T] if dims else [""]


def scopes_of(variable: Any) -> Any:
    """Whom each element concerns: a trader where it has an own value, else the fit."""
    sizes = {d: variable.sizes[d] for d in variable.dims if d not in ("chain", "draw")}
    if "trader" not in sizes or (sizes["trader"] > 1 and bool((variable == variable.isel(trader=0)).all())):
        return np.full(max(1, int(np.prod(list(sizes.values())))), FIT, dtype=object)
    return np.repeat(
        np.array([str(t) for t in variable.coords["trader"].values], dtype=object),
        int(np.prod(list(sizes.values()))) // sizes["trader"],
    )

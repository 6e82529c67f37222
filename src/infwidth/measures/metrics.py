"""What is measured of features, a row each: tables, figures, page, report and notebook read it.

A new metric is a new row of `METRICS`, and where it is no quotient of columns that metrics.csv has,
a column in `infwidth.measures.tables.metrics_table`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd


@dataclass(frozen=True)
class Matrix:
    """A Gram matrix of features.

    Attributes:
        name: in spectra.csv.
        copies: columns of features per sample; it has `copies` x N rows.
        resolution: column of metrics.csv with the least eigenvalue that is resolved.
        title: a heading.
        tex: its symbol.
    """

    name: str
    copies: int
    resolution: str
    title: str
    tex: str


GRAM = Matrix("gram", 1, "resolution", "Gram matrix", "K")
SPACETIME = Matrix("spacetime", 2, "spacetime_resolution", "Space-time Gram matrix", "K_{0,T}")
MATRICES = (GRAM, SPACETIME)


@dataclass(frozen=True)
class Symbol:
    """What is measured, normalisation included, of h at the last step T, in four scripts."""

    text: str
    html: str
    tex: str
    typst: str


@dataclass(frozen=True)
class Metric:
    """A metric of scaling.csv.

    Attributes:
        name: in scaling.csv, and its column of metrics.csv where it is no quotient.
        title: a heading.
        noun: what its symbol stands for, in a word.
        words: the same, told to somebody who has not seen the symbol.
        symbol: what is measured.
        short_title: a heading for narrow panels, if the title is too long.
        shown_in: the column of Table 1 that it stands in, if any.
        judges: the column of Table 1 whose verdict is read from it, if any.
        matrix: the matrix whose least eigenvalue it is, whose spectrum sets the finite-width
            correction and which has a resolution; None for what is no least eigenvalue.
        quotient: the two columns of metrics.csv that it is the quotient of, if it is one.
        retains: the column of Table 1 whose judging metric it sets against that metric's own value
            at step 0, in the same training; such a pair shares its finite-width effect.
        since_start: it compares with step 0, and says nothing at step 0 itself.
        drawn: it has panels of its own in the figures.
    """

    name: str
    title: str
    noun: str
    words: str
    symbol: Symbol
    short_title: str | None = None
    shown_in: str | None = None
    judges: str | None = None
    matrix: Matrix | None = None
    quotient: tuple[str, str] | None = None
    retains: str | None = None
    since_start: bool = False
    drawn: bool = True

    def label(self, step: str = "T") -> str:
        """Of an axis, in TeX: at the last step T, or at any step t."""
        return f"{self.noun} ${self.symbol.tex.replace('T', step)}$"

    @property
    def corrected(self) -> bool:
        """Whether its power of the width is fitted together with the finite-width effect."""
        return self.matrix is not None and self.retains is None

    def values(self, metrics: pd.DataFrame) -> "pd.Series[float]":
        """Its values in a table with the columns of metrics.csv.

        What retains something is known of the trainings whose step 0 is in the table, too.
        """
        if self.quotient is None:
            return metrics[self.name]
        return self._in_units(metrics[self.quotient[0]], metrics)

    def beside(self, metrics: pd.DataFrame) -> pd.DataFrame:
        """The table with the metric as a column of its name."""
        return metrics.assign(**{self.name: self.values(metrics)})

    def resolution(self, metrics: pd.DataFrame) -> "pd.Series[float] | None":
        """The least values that are resolved; None if it is resolved whatever it is."""
        if self.matrix is None:
            return None
        return self._in_units(metrics[self.matrix.resolution], metrics)

    def upper(self, metrics: pd.DataFrame) -> "pd.Series[float] | None":
        """What a value under its resolution is under; never more than is possible.

        A least eigenvalue is at most the mean eigenvalue of the features' Gram matrix, a part of
        the space-time matrix.
        """
        if self.matrix is None:
            return None
        upper = metrics[self.matrix.resolution].clip(upper=metrics["gram_mean_eig"])
        if self.quotient is None:
            return upper
        upper = self._in_units(upper, metrics)
        # 0 / 0 of features that are all zero says nothing; what was at step 0 may be unknown.
        return upper if self.retains else upper.fillna(1.0)

    def _in_units(self, values: "pd.Series[float]", metrics: pd.DataFrame) -> "pd.Series[float]":
        if self.quotient is None:
            return values
        value, unit = self.quotient
        values = values / metrics[unit]
        if self.retains is None:
            return values
        first = (metrics[value] / metrics[unit]).where(metrics["step"] == 0)
        training = [metrics[key] for key in ("scheme", "width", "seed", "layer", "kind")]
        return values / first.groupby(training).transform("first")


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(
                name="feature_change",
                title="Feature variation",
                noun="change",
                words="feature change",
                symbol=Symbol(
                    text="‖h^T−h^0‖/‖h^0‖",
                    html="‖h<sup>T</sup> − h<sup>0</sup>‖ / ‖h<sup>0</sup>‖",
                    tex=r"\|h^T-h^0\|\,/\,\|h^0\|",
                    typst=r"norm(h^T - h^0) \/ norm(h^0)",
                ),
                shown_in="feature_variation",
                judges="feature_variation",
                since_start=True,
            ),
            Metric(
                name="gram_min_eig",
                title="Feature diversity",
                noun="diversity",
                words="smallest eigenvalue of K/n",
                symbol=Symbol(
                    text="λ_min(K)/n",
                    html="λ<sub>min</sub>(K) / n",
                    tex=r"\lambda_{\min}(K)/n",
                    typst=r"lambda_min (K) \/ n",
                ),
                shown_in="feature_diversity",
                matrix=GRAM,
            ),
            # Measuring against the mean tells collapse from mere shrinking.
            Metric(
                name="gram_ratio",
                title="Relative diversity",
                noun="ratio",
                words="smallest eigenvalue of K over the mean one",
                symbol=Symbol(
                    text="λ_min(K) over the mean eigenvalue",
                    html="λ<sub>min</sub>(K) / λ<sub>mean</sub>(K)",
                    tex=r"\lambda_{\min}(K)/\lambda_{\mathrm{mean}}(K)",
                    typst=r'lambda_min (K) \/ lambda_"mean" (K)',
                ),
                judges="feature_diversity",
                matrix=GRAM,
                quotient=("gram_min_eig", "gram_mean_eig"),
                drawn=False,
            ),
            Metric(
                name="spacetime_min_eig",
                title="Space-time joint non-degeneracy",
                short_title="Space-time",
                noun="space-time",
                words="smallest space-time eigenvalue / n",
                symbol=Symbol(
                    text="λ_min(K_0,T)/n",
                    html="λ<sub>min</sub>(K<sub>0,T</sub>) / n",
                    tex=r"\lambda_{\min}(K_{0,T})/n",
                    typst=r"lambda_min (K_(0,T)) \/ n",
                ),
                shown_in="space_time",
                judges="space_time",
                matrix=SPACETIME,
                since_start=True,
            ),
            # Pairing with step 0 leaves out how well conditioned the activation is to begin with.
            Metric(
                name="retention",
                title="Retention of diversity",
                noun="retention",
                words="relative diversity over that at step 0",
                symbol=Symbol(
                    text="λ_min(K)/λ_mean(K) over the same at step 0",
                    html="λ<sub>min</sub>(K) / λ<sub>mean</sub>(K), over the same at step 0",
                    tex=r"\lambda_{\min}(K)/\lambda_{\mathrm{mean}}(K)\,/\,[\cdot]_0",
                    typst=r'lambda_min (K) \/ lambda_"mean" (K) \/ [dot.c]_0',
                ),
                retains="feature_diversity",
                matrix=GRAM,
                quotient=("gram_min_eig", "gram_mean_eig"),
                drawn=False,
            ),
        )
    }
)
# Those that have panels of their own in the figures.
DRAWN = tuple(metric for metric in METRICS.values() if metric.drawn)
# Column of Table 1 -> the metric whose value and exponent stand in its cells.
SHOWN: Mapping[str, Metric] = MappingProxyType(
    {metric.shown_in: metric for metric in METRICS.values() if metric.shown_in}
)
# Column of Table 1 -> the metric that its verdict is read from.
JUDGING: Mapping[str, Metric] = MappingProxyType(
    {metric.judges: metric for metric in METRICS.values() if metric.judges}
)
# Column of Table 1 -> the metric that sets its judging metric against step 0.
RETAINING: Mapping[str, Metric] = MappingProxyType(
    {metric.retains: metric for metric in METRICS.values() if metric.retains}
)


def headline(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that Table 1 speaks of: the last hidden layer's pre-activations."""
    rows: pd.DataFrame = table[(table["layer"] == table["layer"].max()) & (table["kind"] == "h")]
    return rows

"""What a statement's folder says of itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Parts:
    """Trainings that a statement's tables are put together from, a job for each.

    Attributes:
        module: whose `measured` makes a part's tables, within `infwidth.theory`.
        over: the setting whose entries are the parts.
        tables: what each makes.
        settings: what it depends on, as in `Statement`.
    """

    module: str
    over: str
    tables: tuple[str, ...]
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """A statement of the paper, and what it takes to check it.

    Attributes:
        title: what it is about, in words.
        tables: the CSV files in `theory/` that it is judged by and drawn from, in the order in
            which `judge.findings` and `draw.draw` take them.
        reads: tables of other statements that it is measured with, judged by and drawn from, too;
            they come first.
        made_by: the statement whose measurement makes the tables, if it is another's.
        needs: files of the experiment that they are computed from: "dataset", "features" (of all
            trainings), "metrics", "spectra", "scaling".
        settings: what they depend on; see `infwidth.theory.setting`.
        parts: trainings that come first, if they are jobs of their own.
        trains: whether PyTorch or sympy take part.
        memory_mb: memory of a job.
        minutes: time limit of a job.
    """

    title: str
    tables: tuple[str, ...]
    reads: tuple[str, ...] = ()
    made_by: str | None = None
    needs: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    parts: Parts | None = None
    trains: bool = True
    memory_mb: int = 2000
    minutes: int = 60

    @property
    def judged_by(self) -> tuple[str, ...]:
        """What `judge.findings` and `draw.draw` take."""
        return self.reads + self.tables

    @property
    def derived(self) -> bool:
        """Whether it is measured on files of the paper folder alone, and can be anew."""
        return bool(self.needs) and not (self.parts or {"dataset", "features"} & set(self.needs))

    @property
    def joined(self) -> bool:
        """Whether its tables are those of its parts, one below the other, and no more."""
        return self.parts is not None and set(self.tables) <= set(self.parts.tables)

"""The review of one paper folder: are the measurements those recorded, and is all else their work?

First the measurements are held against their checksums in provenance.json. Only if they are as
recorded is everything else made from them anew, in a folder of its own, and compared.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from infwidth.files.checksums import sha256_of
from infwidth.jobs.code_digest import PACKAGE, whole_code_digest
from infwidth.jobs.provenance import config_digest, package_versions
from infwidth.review.comparing import compare, compare_tables
from infwidth.review.history import version
from infwidth.review.tasks import Setting, Task, tasks
from infwidth.review.text_table import TextTable

Result = Literal[
    "agrees", "rounding", "note", "differs", "altered", "missing", "unvouched", "unknown", "failed"
]
WORKFLOW = PACKAGE.parents[1] / "workflow"
PROVENANCE = "provenance.json"


@dataclass(frozen=True)
class Outcome:
    """What came out for one file.

    Attributes:
        experiment: the paper folder's name.
        output: the file, by its name in the folder.
        result: "agrees": as recorded or as regenerated, byte for byte; "rounding": as regenerated
            but for the last digits of numbers; "note": worth knowing, but no failure; "differs":
            not as regenerated; "altered": a measurement that is not as recorded; "missing": not
            there; "unvouched": nothing to hold it against; "unknown": nothing makes it; "failed":
            it could not be regenerated.
        details: where and how, a sentence each.
    """

    experiment: str
    output: str
    result: Result
    details: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the review passes as far as this file goes."""
        return self.result in ("agrees", "rounding", "note")


def review(
    folder: Path,
    workflow: Path = WORKFLOW,
    tell: Callable[[str], None] = lambda _: None,
    *,
    rewrite: bool = False,
) -> list[Outcome]:
    """Review a paper folder, which stays as it is unless it is to be rewritten.

    Args:
        folder: the paper folder.
        workflow: the workflow's folder, which has the notebook's and the report's sources.
        tell: gets a sentence as each part is done.
        rewrite: write what does not agree with the measurements anew.

    Returns:
        One outcome for each file that is there or should be, and one for the code.
    """
    return _Review(folder.resolve(), workflow, tell, rewrite).outcomes()


@dataclass(frozen=True)
class _Review:
    folder: Path
    workflow: Path
    tell: Callable[[str], None]
    rewrite: bool

    def outcomes(self) -> list[Outcome]:
        try:
            provenance = json.loads((self.folder / PROVENANCE).read_text(encoding="utf-8"))
            setting = Setting(provenance["config"], self.workflow)
            names = setting.measurements
        except FileNotFoundError:
            return [self._outcome(PROVENANCE, "missing", "nothing else can be reviewed without it")]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return [self._outcome(PROVENANCE, "failed", f"cannot be read: {_said(error)}")]
        first = [self._provenance(provenance), *self._measurements(provenance, names)]
        self.tell("measurements held against their checksums")
        if all(outcome.passes for outcome in first):
            rest = list(self._regenerated(setting, provenance))
        else:
            reason = "not regenerated: the measurements or their provenance are not as recorded"
            names = [name for task in tasks(setting) for name in task.outputs]
            rest = [self._outcome(name, "unvouched", reason) for name in names]
        known = {outcome.output for outcome in (*first, *rest)}
        return [*first, self._code(provenance), *rest, *self._unknown(known)]

    def _outcome(self, output: str, result: Result, *details: str) -> Outcome:
        return Outcome(self.folder.name, output, result, details)

    def _provenance(self, provenance: Mapping[str, Any]) -> Outcome:
        """Whether the configuration is the one whose digest stands beside it."""
        if provenance.get("config_sha256") != config_digest(provenance["config"]):
            return self._outcome(
                PROVENANCE, "altered", "config is not the one that config_sha256 was taken of"
            )
        return self._outcome(PROVENANCE, "agrees", "config is the one its digest was taken of")

    def _code(self, provenance: Mapping[str, Any]) -> Outcome:
        """Whether code and packages are those of the run: measurements may be older than both."""
        notes = []
        made, today = str(provenance.get("code")), whole_code_digest()
        if made != today:
            notes.append(f"of the run: {made[:12]}; today's: {today[:12]}")
        recorded = provenance.get("packages", {})
        notes += [
            f"{name} {recorded[name]} in the run, {version} here"
            for name, version in package_versions().items()
            if name in recorded and recorded[name] != version
        ]
        return self._outcome("(code)", "note" if notes else "agrees", *notes)

    def _measurements(
        self, provenance: Mapping[str, Any], names: Iterable[str]
    ) -> Iterator[Outcome]:
        recorded = provenance.get("files")
        recorded = recorded if isinstance(recorded, dict) else {}
        for name in dict.fromkeys((*names, *recorded)):
            if not (self.folder / name).is_file():
                yield self._outcome(name, "missing", "a measurement, which nothing here can make")
            elif name not in recorded:
                yield self._outcome(
                    name, "unvouched", "provenance.json has no checksum of it; cannot vouch"
                )
            else:
                yield self._measurement(name, recorded[name])

    def _measurement(self, name: str, recorded: str) -> Outcome:
        path = self.folder / name
        if sha256_of(path) == recorded:
            return self._outcome(name, "agrees", "as recorded")
        return self._outcome(
            name, "altered", "not the file that was recorded", *_where(path, recorded)
        )

    def _regenerated(self, setting: Setting, provenance: Mapping[str, Any]) -> Iterator[Outcome]:
        """Everything that is made from measurements, made again and compared."""
        with tempfile.TemporaryDirectory(prefix="review-") as temporary:
            work = Path(temporary)
            for name in (PROVENANCE, *provenance["files"]):
                (work / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.folder / name, work / name)
            listed = tasks(setting)
            with ThreadPoolExecutor(1) as aside:
                making: dict[int, Future[str | None]] = {}
                found: dict[int, list[Outcome]] = {}
                for index, task in enumerate(listed):
                    if task.aside:
                        making[index] = aside.submit(self._make, task, work, setting)
                    else:
                        failure = self._make(task, work, setting)
                        found[index] = self._compared(task, work, failure)
                for index, future in making.items():
                    found[index] = self._compared(listed[index], work, future.result())
            for index in range(len(listed)):
                yield from found[index]

    def _make(self, task: Task, work: Path, setting: Setting) -> str | None:
        """Make a task's files; return what went wrong."""
        start = time.perf_counter()
        for name in task.outputs:
            (work / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            task.make(work, setting)
        # Whatever it is, it is told beside the file, and the others are reviewed all the same.
        except Exception as error:
            return f"cannot be regenerated: {_said(error)}"
        seconds = time.perf_counter() - start
        self.tell(f"{_named(task)} regenerated in {seconds:.1f} s")
        return None

    def _compared(self, task: Task, work: Path, failure: str | None) -> list[Outcome]:
        return [self._compared_file(name, work, failure) for name in task.outputs]

    def _compared_file(self, name: str, work: Path, failure: str | None) -> Outcome:
        outcome = self._agreement(name, work, failure)
        if self.rewrite and not (outcome.passes or failure):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(work / name, self.folder / name)
            return self._outcome(name, "note", "rewritten")
        return outcome

    def _agreement(self, name: str, work: Path, failure: str | None) -> Outcome:
        committed, made = self.folder / name, work / name
        if not committed.is_file():
            return self._outcome(name, "missing", "it is made from the measurements")
        if failure:
            return self._outcome(name, "failed", failure)
        try:
            found = compare(committed, made)
        except (OSError, ValueError) as error:
            return self._outcome(name, "differs", f"cannot be read: {_said(error)}")
        if found.differences:
            return self._outcome(name, "differs", *found.differences)
        if committed.read_bytes() == made.read_bytes():
            return self._outcome(name, "agrees", "byte for byte")
        # What is built of it below is then the same bytes, too.
        shutil.copyfile(committed, made)
        if found.rounding:
            return self._outcome(
                name, "rounding", f"agrees to rounding, at most {found.rounding:.0e}"
            )
        return self._outcome(name, "note", "agrees in all it says, though not byte for byte")

    def _unknown(self, known: set[str]) -> Iterator[Outcome]:
        """Files that no task makes: what they show stands on nothing."""
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            hidden = any(part.startswith(".") for part in path.relative_to(self.folder).parts)
            if path.is_file() and name not in known and not hidden:
                yield self._outcome(name, "unknown", "neither a measurement nor made from them")


def _where(path: Path, recorded: str) -> tuple[str, ...]:
    """The cells in which a table is not the one that was recorded, if git has that one."""
    before = version(path, recorded)
    if before is None:
        return ("which cell is another cannot be told: git has no version of it as recorded",)
    try:
        tables = TextTable.of(before), TextTable.read(path)
    except ValueError as error:
        return (f"is no table any more: {error}",)
    return compare_tables(*tables, ("recorded", "found"), tolerance=0).differences


def _named(task: Task) -> str:
    first, count = task.outputs[0], len(task.outputs)
    return first if count == 1 else f"{first} and {count - 1} more"


def _said(error: BaseException) -> str:
    """An error in one line; the last of a traceback in a notebook's error."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [""]
    return f"{type(error).__name__}: {lines[-1]}"

"""What came of a try: one word, from exit codes, the terminal, the files before and after, and the expectation."""

import fnmatch
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from fault import Try

GOOD = ("right", "refused")
BAD = ("wrong", "lost", "code", "hang", "stray")
# A file of this name appears where code from an input ran.
OWNED = "OWNED"
# Caches, which may appear anywhere a library puts them, and Snakemake's own notes.
CACHES = ("__pycache__/", ".snakemake/", "home/.cache/", "home/.config/", "home/.java/", "tmp/")
# What a command that ended must not leave.
LEFTOVERS = ("*.partial*", "*.pieces*")


@dataclass(frozen=True)
class Ran:
    """How one command ended; ``code`` is None where it had to be stopped."""

    command: list[str]
    code: int | None
    stderr: str
    stdout: str
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """The class of a try, and the sentence that says why."""

    word: str
    why: str


def snapshot(root: Path) -> dict[str, str]:
    """A digest of every file below ``root``, by its path."""
    return {
        str(path.relative_to(root)): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def judge(attempt: Try, ran: list[Ran], before: dict[str, str], after: dict[str, str]) -> Outcome:
    """Classify; the gravest finding counts.

    ``before`` and ``after`` are snapshots of a folder that holds ``work``, in which the commands ran. The check of a
    right result runs in the current folder.
    """
    last = ran[-1]
    if any(path.rpartition("/")[2] == OWNED for path in after.keys() - before.keys()):
        return Outcome("code", f"a command in the input ran; exit {last.code}: {_first(last.stderr)}")
    changed = [p for p in before if after.get(p) != before[p] and not _matches(p, attempt.replaces) and not _cache(p)]
    if changed:
        return Outcome("lost", f"exit {last.code}, changed or gone: {', '.join(changed)}")
    if last.code is None:
        return Outcome("hang", f"still running after {attempt.limit:g} s")
    strays = [p for p in after.keys() - before.keys() if _stray(p, attempt.writes)]
    if strays:
        return Outcome("stray", f"exit {last.code}, left behind: {', '.join(sorted(strays)[:4])}")
    return _succeeded(attempt) if last.code == 0 else _failed(attempt, last)


def _succeeded(attempt: Try) -> Outcome:
    if attempt.right is None:
        return Outcome("wrong", "exit 0, a refusal was due")
    try:
        problem = attempt.right()
    except Exception as error:
        problem = f"the result cannot be read: {type(error).__name__}: {error}"
    return Outcome("wrong", f"exit 0, {problem}") if problem else Outcome("right", "")


def _failed(attempt: Try, last: Ran) -> Outcome:
    found = sentences(last)
    if "Traceback (most recent call last)" in last.stderr:
        return Outcome("unclear", f"traceback: {_last(last.stderr)}")
    if len(found) != 1:
        return Outcome("unclear", f"exit {last.code}, {len(found)} sentences: {_first(last.stderr)}")
    if last.command[0] == "resonaut" and last.code != 2:
        return Outcome("unclear", f"exit {last.code} instead of 2: {found[0]}")
    if not attempt.refused:
        return Outcome("unclear", f"refused what is sound: {found[0]}")
    if not any(word in found[0] for word in attempt.refused):
        return Outcome("unclear", f"names none of {', '.join(attempt.refused)}: {found[0]}")
    return Outcome("refused", found[0])


def sentences(ran: Ran) -> list[str]:
    """The sentences to the user on the terminal; of the option parser's message its last line is the sentence."""
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    if ran.code == 2 and lines and lines[0].startswith("Usage:"):
        return [lines[-1]] if lines[-1].startswith("Error: ") else []
    found = [line for line in lines if line.startswith("resonaut: ")]
    if ran.command[0] == "resonaut" and len(found) != len(lines):
        return [*found, *(line for line in lines if line not in found)]
    if ran.command[0] == "snakemake" and not found:
        # What Snakemake itself says, of a file that is no configuration for example; of a dry run on stdout.
        lines += [line for line in ran.stdout.splitlines() if line.strip()]
        starts = [n for n, line in enumerate(lines) if re.match(r"\w*(Error|Exception)\b", line)]
        return [" ".join(lines[starts[0] :])] if starts else []
    # Several jobs may stumble over one fault.
    return list(dict.fromkeys(found))


def _cache(path: str) -> bool:
    return any(cache in path for cache in CACHES) and "Microsoft" not in path


def _stray(path: str, writes: tuple[str, ...]) -> bool:
    if _matches(path, LEFTOVERS) and not path.startswith("tmp/"):
        return True
    return not _cache(path) and not _matches(path, writes)


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatch(path.removeprefix("work/"), pattern) for pattern in patterns)


def _first(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[0][:200] if lines else "nothing on the terminal"


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if re.match(r"\S*(Error|Exception|Exit)\b", line)]
    return (lines or text.splitlines())[-1][:200]

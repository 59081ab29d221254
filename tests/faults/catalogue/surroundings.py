"""Where a command runs: HOME, temporary folders, logs, full disks. All in real processes."""

import os
from pathlib import Path

from commands import events, scan, skim, text, z
from fault import Kind, Try
from inputs import nano, rows, table, write_nano

kind = Kind("surroundings")
fault = kind.fault

HOMES = {"absent": "/nonexistent/home", "a file": "/dev/null", "empty": "", "relative": "home", "read-only": "/proc"}
TEMPORARY = {"absent": "/nonexistent/tmp", "a file": "/dev/null", "read-only": "/proc"}


@fault(home=HOMES, command=["scan", "skim"])
def home(home: str, command: str) -> Try:
    how = {"environment": {"HOME": home}, "real": True}
    if command == "scan":
        return scan(text("s.csv", table(rows())), right=z(), refused=(), **how)
    return skim(write_nano("a.root", nano()), right=events(200), refused=(), **how)


@fault(folder=TEMPORARY, command=["scan", "skim"])
def temporary_folder(folder: str, command: str) -> Try:
    how = {"environment": {"TMPDIR": folder}, "real": True}
    if command == "scan":
        return scan(text("s.csv", table(rows())), right=z(), refused="TMPDIR", **how)
    return skim(write_nano("a.root", nano()), right=events(200), refused="TMPDIR", **how)


@fault(home=["/nonexistent/home", "/proc"])
def report_without_a_home(home: str) -> Try:
    first = scan(text("s.csv", table(rows())), right=None, refused="")
    report = ["resonaut", "report", "search", "out/scan.json", "--output", "out"]
    return Try([*first.commands, report], z(), (), environment={"HOME": home}, real=True)


LOCALES = {
    "C": {"LC_ALL": "C"},
    "POSIX": {"LC_ALL": "POSIX"},
    "unknown": {"LC_ALL": "xx_XX"},
    "ASCII": {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"},
    "German": {"LC_ALL": "de_DE.UTF-8"},
}


@fault(environment=LOCALES)
def locale(environment: dict[str, str]) -> Try:
    source = text("é.csv", ("# é\n" + table(rows())).encode())
    return scan(source, right=z(), refused=(), environment=environment, real=True)


LOGS = ["/dev/full", "/proc/x.log", "folder", "/nonexistent/x.log", "s.csv/x.log", ""]


@fault(log=LOGS)
def log(log: str) -> Try:
    """The log cannot be written: said in a sentence, or the command does its work without."""
    Path("folder").mkdir()
    attempt = scan(text("s.csv", table(rows())), right=z(), refused=("log", log or "--log"))
    command = ["resonaut", "--log", log, *attempt.commands[0][1:]]
    return Try([command], attempt.right, attempt.refused, real=True)


@fault(fast=1)
def log_over_the_input() -> Try:
    attempt = scan(text("s.csv", table(rows())), right=None, refused=("s.csv",))
    return Try([["resonaut", "--log", "s.csv", *attempt.commands[0][1:]]], None, attempt.refused)


@fault(fast=1)
def log_of_a_failure_holds_the_traceback() -> Try:
    """The terminal has a sentence, the log the details."""
    attempt = scan("none.csv", right=None, refused="none.csv")
    return Try([["resonaut", "--log", "logs/x.log", *attempt.commands[0][1:]]], None, attempt.refused)


@fault(output=["/dev/full/x", "/proc/out", "/dev/null", "/sys/out"])
def output_that_cannot_be_written(output: str) -> Try:
    return scan(text("s.csv", table(rows())), "--output", output, right=None, refused=output, real=True)


@fault(kilobytes=[1, 4, 16])
def full_disk(kilobytes: int) -> Try:
    """A limit on the size of a file stands for a full disk: the system's error at the same place."""
    attempt = skim(write_nano("a.root", nano()), right=None, refused=("000.parquet", "results"))
    limited = ["sh", "-c", f'ulimit -f {kilobytes}; trap "" XFSZ; exec "$@"', "sh"]
    return Try([[*limited, *command] for command in attempt.commands], events(200), attempt.refused, real=True)


@fault(threads=["0", "-1", "many", "1000000", "1.5", ""])
def threads(threads: str) -> Try:
    attempt = scan(text("s.csv", table(rows())), right=None, refused="--threads")
    right = z() if threads == "1000000" else None
    return Try([["resonaut", "--threads", threads, *attempt.commands[0][1:]]], right, attempt.refused, real=True)


WORDS = [
    ["fit", "scann"],
    ["nothing"],
    ["fit", "scan"],
    ["fit", "scan", "--spectrum"],
    ["skim", "chunk"],
    ["fit", "scan", "--help-me"],
    ["--version-of-what"],
    ["fit", "scan", "extra", "words"],
]


@fault(words={" ".join(words): words for words in WORDS})
def command_line(words: list[str]) -> Try:
    return Try(
        [["resonaut", *words]],
        None,
        ("", *words),
    )


@fault()
def unreadable_by_others() -> Try:
    """Root reads everything; others get a sentence."""
    write_nano("a.root", nano())
    Path("a.root").chmod(0)
    return skim("a.root", right=events(200) if os.geteuid() == 0 else None, refused="a.root")

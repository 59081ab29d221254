from pathlib import Path

import pytest

from resonaut.core import provenance
from resonaut.core.stages import verbs

COMMANDS = {
    "simulate": ["chunk"],
    "skim": ["chunk", "merge"],
    "tag": ["train", "score"],
    "calibrate": ["measure", "normalise", "apply", "summarise"],
    "reweight": ["train", "ratio"],
    "select": ["train", "inject", "benchmark", "images"],
    "fit": ["selection", "selection-bias", "retrained", "summary"],
    "report": ["draw", "search", "show"],
}


@pytest.mark.parametrize(("verb", "command"), [(verb, command) for verb in COMMANDS for command in COMMANDS[verb]])
def test_a_command_depends_on_no_other_stage(verb, command) -> None:
    code = provenance.command_code(verb, command)
    assert f"{verb}/cli.py" in code
    others = [path for path in code if path.split("/")[0] in set(verbs()) - {verb}]
    assert {path.split("/")[1] for path in others} <= {"results", "results.py", "__init__.py"}, "but what it writes"
    assert "cli.py" not in code, "the dispatcher is no part of any result"
    assert f"{verb}/plan.py" not in code, "it chooses the jobs and refuses configurations"


def test_a_command_depends_on_what_it_runs_alone() -> None:
    train = provenance.command_code("select", "train", "select/methods/cwola/method.py")
    assert {"select/train.py", "select/methods/cwola/method.py", "select/kinematics.py", "learn/ratio/trees.py"} <= set(
        train
    )
    assert not {"select/inject.py", "select/methods/nae/method.py", "select/images.py", "learn/density/flow.py"} & set(
        train
    )
    assert "fit/limits.py" not in provenance.command_code("fit", "summary")


def test_an_unknown_command_is_an_error() -> None:
    with pytest.raises(ValueError, match="no command 'trian'"):
        provenance.command_code("select", "trian")


def test_closure_follows_functions_and_imports_inside_them(tmp_path, monkeypatch) -> None:
    package = tmp_path / "pkg"
    cli = """
from pkg import top

def one():
    from pkg.deep import thing
    _shared()

def _shared():
    import pkg.leaf

def two():
    from pkg import other
"""
    files = {
        "__init__.py": "",
        "verb/__init__.py": "",
        "verb/cli.py": cli,
        "verb/found.py": "from pkg import more",
        "deep/__init__.py": "",
        "deep/thing.py": "import pkg.leaf\n",
        "leaf.py": "import pkg.leaf\n",
        "top.py": "",
        "more.py": "",
        "other.py": "",
    }
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    monkeypatch.setattr(provenance, "PACKAGE", Path(package))
    one = ["deep/__init__.py", "deep/thing.py", "leaf.py", "top.py", "verb/cli.py"]
    assert provenance.command_code("verb", "one") == one
    assert provenance.command_code("verb", "two") == ["other.py", "top.py", "verb/cli.py"]
    assert set(provenance.command_code("verb", "two", "verb/found.py")) == {
        "more.py",
        "other.py",
        "top.py",
        "verb/__init__.py",
        "verb/cli.py",
        "verb/found.py",
    }


BLOCKS = """
import pkg.a
if one:
    import pkg.b
elif two:
    import pkg.c
else:
    import pkg.d
try:
    import pkg.e
except ImportError:
    import pkg.f
else:
    import pkg.g
finally:
    import pkg.h
match one:
    case 1:
        import pkg.i
for one in two:
    with one:
        import pkg.j
class One:
    async def two():
        while one:
            import pkg.k
"""


def test_imports_are_found_in_every_kind_of_block(tmp_path, monkeypatch) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    for name in ("__init__", *"abcdefghijkl"):
        (package / f"{name}.py").touch()
    (package / "first.py").write_text(f"{BLOCKS}if TYPE_CHECKING:\n    import pkg.l\n")
    monkeypatch.setattr(provenance, "PACKAGE", package)
    assert provenance.closure(["first.py"]) == {"first.py", *(f"{name}.py" for name in "abcdefghijk")}

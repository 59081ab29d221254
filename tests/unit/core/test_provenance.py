from pathlib import Path

import pytest

from resonaut.core import provenance
from resonaut.core.stages import verbs


@pytest.mark.parametrize("verb", verbs())
def test_a_stage_depends_on_no_other_stage(verb) -> None:
    code = provenance.stage_code(verb)
    assert f"{verb}/cli.py" in code
    assert {path.split("/")[0] for path in code if "/" in path} & set(verbs()) == {verb}
    assert "cli.py" not in code, "the dispatcher is no part of any result"


def test_closure_follows_imports_inside_functions(tmp_path, monkeypatch) -> None:
    package = tmp_path / "pkg"
    files = {
        "__init__.py": "",
        "verb/__init__.py": "",
        "verb/cli.py": "def f():\n    from pkg.deep import thing\n",
        "deep/__init__.py": "from pkg import leaf\n",
        "deep/thing.py": "",
        "leaf.py": "import pkg.leaf\n",
        "unused.py": "",
    }
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    monkeypatch.setattr(provenance, "PACKAGE", Path(package))
    assert provenance.stage_code("verb") == [
        "deep/__init__.py",
        "deep/thing.py",
        "leaf.py",
        "verb/__init__.py",
        "verb/cli.py",
    ]

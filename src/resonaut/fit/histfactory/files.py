"""Files of HistFactory: workspaces, JSON patches (RFC 6902), and the patch sets of pyhf."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from resonaut.core.config import load_json
from resonaut.core.errors import InputFileError
from resonaut.fit.histfactory.specification import Workspace

REMEDY = "give a HistFactory workspace in JSON, or a patch of one"
# Algorithms of the digests of a patch set that are checked.
DIGESTS = ("md5", "sha1", "sha256", "sha512")


def read_workspace(path: Path, patches: Sequence[Path] = (), name: str | None = None) -> Workspace:
    """The workspace in a JSON file, after JSON patches.

    Args:
        path: of the workspace.
        patches: a list of operations each, or a patch set (https://pyhf.readthedocs.io, schema 1.0.0).
        name: of the patch that is taken of a patch set; needless where there is one.

    Raises:
        InputFileError: there is no such file, it holds no JSON object, or a patch does not fit, or is of another
            workspace.
    """
    found: Any = load_json(path, REMEDY)
    sets = 0
    for patch in patches:
        import jsonpatch

        content = load_json(patch, REMEDY)
        if isinstance(content, dict) and "patches" in content:
            _require_workspace(content, patch, found, path)
            content, sets = _of_set(content, patch, name), sets + 1
        try:
            found = jsonpatch.apply_patch(found, content)
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
            raise InputFileError(patch, f"no patch of {path} ({error})", "give the patch of this workspace") from None
    if name is not None and not sets:
        raise InputFileError(path, f"no patch set is given that has the patch {name!r}", "give it with --patch")
    if not isinstance(found, dict):
        raise InputFileError(path, "no HistFactory workspace", "give a JSON file with 'channels' and 'measurements'")
    return found


def _of_set(content: dict[str, Any], path: Path, name: str | None) -> Any:
    """The operations of one patch of a set."""
    try:
        patches = {str(one["metadata"]["name"]): one["patch"] for one in content["patches"]}
    except (KeyError, TypeError):
        raise InputFileError(path, "a patch without 'metadata', 'name' or 'patch'", "correct the patch set") from None
    if name is None and len(patches) == 1:
        return next(iter(patches.values()))
    if name is None or name not in patches:
        given = "a set of patches" if name is None else f"no patch {name!r}"
        there = ", ".join(list(patches)[:10]) + (", …" if len(patches) > 10 else "")
        raise InputFileError(path, f"{given} (there are {there or 'none'})", "name one of them with --patch-name")
    return patches[name]


def _require_workspace(content: dict[str, Any], path: Path, workspace: Any, of: Path) -> None:
    """Stop where a patch set says by its digests that it is of another workspace."""
    about = content.get("metadata")
    digests = about.get("digests") if isinstance(about, dict) else None
    text = json.dumps(workspace, sort_keys=True, ensure_ascii=False).encode()
    for algorithm, digest in digests.items() if isinstance(digests, dict) else ():
        if algorithm in DIGESTS and hashlib.new(algorithm, text).hexdigest() != digest:
            raise InputFileError(
                path, f"of another workspace than {of}, by its {algorithm}", "give the workspace that it was made for"
            )

"""What tells one training from all others: its keys, the files it reads, and the code it runs."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from resonaut.core import files, provenance
from resonaut.core.record import plain
from resonaut.learn import processes
from resonaut.tag.architectures import networks
from resonaut.tag.settings import TagConfig


def fingerprint(settings: TagConfig, name: str, read: Iterable[Path]) -> str:
    """The SHA-256 of the training of the network ``name`` on the files ``read``.

    A file is the same as long as its name, size and time of change are.
    """
    network = settings.networks[name]
    entry = networks()[network.architecture]
    own = entry.home.endswith(".py")
    modules = [str(Path(module).resolve()) if own else module for module in (entry.declaration, entry.module)]
    code = {path: files.digest(provenance.PACKAGE / path) for path in provenance.command_code("tag", "train", *modules)}
    stats = [(path.name, path.stat()) for path in read]
    content = {
        "settings": plain(replace(settings, networks={name: network}, published={}), TagConfig),
        "files": [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats],
        "code": code,
        "libraries": [torch.__version__, np.__version__],
        "processes": processes.world(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

"""Seeds of jobs."""

import hashlib


def seed_of(*facts: object) -> int:
    """A stable seed from everything that must make a difference."""
    digest = hashlib.sha256("/".join(map(str, facts)).encode()).digest()
    return int.from_bytes(digest[:8], "big")

"""One thread per test process: on a busy machine OpenMP's waiting threads cost more than they bring."""

import os

for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

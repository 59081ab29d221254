"""Real processes: a training that is killed, two that train together, and one whose memory is measured."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
PROGRAM = [sys.executable, "-m", "resonaut", "tag"]
OWN = str(Path(__file__).parents[2] / "data" / "my_network.py")


@pytest.fixture
def command(simulation, section, tmp_path):
    """A function: the words that train a small network, into files of a name."""
    section["training"] |= {"epochs": 4, "jets_in_memory": 70}

    def words(name, *others, dropout=0.0):
        network = section["networks"]["part"] | {"architecture": "particle_flow", "dropout": dropout}
        config = tmp_path / f"{name}.config.json"
        config.write_text(json.dumps(section | {"networks": {"pfn": network}}))
        found = ["train", "--config", config, "--network", "pfn", "--code", OWN]
        found += ["--background", simulation[0], "--signal", simulation[1], "--history", tmp_path / f"{name}.csv"]
        found += ["--output", tmp_path / f"{name}.npz", "--summary", tmp_path / f"{name}.json", *others]
        return list(map(str, found))

    return words


def here(words):
    """The command in this process."""
    from resonaut.tag.cli import app

    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0


def test_a_training_that_is_killed_ends_with_the_same_bytes(command, tmp_path, caplog):
    """SIGKILL, at a moment of the machine's choosing, with a checkpoint after each step."""
    caplog.set_level("INFO")
    here(command("whole", dropout=0.1))
    left = tmp_path / "killed.checkpoint"
    words = command("killed", "--checkpoint-every", "1", dropout=0.1)
    with subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not left.exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert left.exists()
    assert not (tmp_path / "killed.npz").exists()
    here(words)
    assert "the training goes on in epoch" in caplog.text
    assert not left.exists()
    for suffix in ("npz", "json", "csv"):
        assert (tmp_path / f"killed.{suffix}").read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()


def test_two_processes_train_as_one(command, tmp_path):
    """Each with half of the batch: the same losses, up to rounding."""
    here(command("one"))
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "--no-python",
        "--",
    ]
    run = subprocess.run([*launch, *PROGRAM, *command("two")], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    losses = [json.loads((tmp_path / f"{name}.json").read_text())["loss"] for name in ("one", "two")]
    for kind in ("train", "held_out"):
        np.testing.assert_allclose(losses[0][kind], losses[1][kind], rtol=2e-5)
    rows = list(csv.DictReader((tmp_path / "two.csv").read_text().splitlines()))
    assert [float(row["training"]) for row in rows] == losses[1]["train"]


def test_memory_does_not_grow_with_the_jets():
    """Ten times as many jets need no more memory than the tenth of them, to a part of what they would take."""
    script = Path(__file__).parents[3] / "benchmarks" / "tag_streaming.py"
    words = [sys.executable, script, "10000", "100000", "--in-memory", "1500", "--group", "500"]
    run = subprocess.run(words, check=True, capture_output=True, text=True)
    few, many = map(json.loads, run.stdout.splitlines())
    assert many["training_jets"] > 9 * few["training_jets"]
    assert many["shards"] > 30
    assert many["batches"] == many["training_jets"] // 64
    # 30 places of seven features and four momenta.
    megabytes = 30 * 11 * 4 * many["training_jets"] / 1024**2
    assert megabytes > 60
    assert many["megabytes"] < few["megabytes"] + 0.35 * megabytes

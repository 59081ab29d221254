import io
import pickle
from pathlib import Path

import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.learn import store

MODEL = store.Model(
    "line",
    {"width": 3, "names": ["a", "b"]},
    {"layer.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "count": np.array(5)},
)
REMEDY = "train it again"


class Payload:
    """Leaves a file behind where it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("owned"),)


def saved(path, model=MODEL):
    store.save(path, model)
    return path


def entries(path):
    with np.load(path) as file:
        return dict(file)


def test_a_model_comes_back_as_it_was(tmp_path):
    found = store.load(saved(tmp_path / "m.npz"), "line", REMEDY)
    assert (found.kind, found.settings) == (MODEL.kind, MODEL.settings)
    assert found.state.keys() == MODEL.state.keys()
    for name, values in MODEL.state.items():
        assert found.state[name].dtype == values.dtype
        np.testing.assert_array_equal(found.state[name], values)


def test_equal_models_have_equal_bytes_and_others_others(tmp_path):
    first, second = (saved(tmp_path / name).read_bytes() for name in ("a.npz", "b.npz"))
    assert first == second
    assert saved(tmp_path / "c.npz", store.Model("line", {"width": 4}, MODEL.state)).read_bytes() != first


def test_a_model_of_another_kind_is_refused(tmp_path):
    with pytest.raises(InputFileError, match=r"m\.npz: a model of the kind 'line', not 'circle'; train it again\.$"):
        store.load(saved(tmp_path / "m.npz"), "circle", REMEDY)


def test_a_file_that_is_not_there_is_named(tmp_path):
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(InputFileError, match=r": no such model file; train it again\.$"):
            store.load(path, "line", REMEDY)


def test_a_changed_state_is_refused(tmp_path):
    path = saved(tmp_path / "m.npz")
    changed = entries(path)
    changed["state/layer.weight"] = changed["state/layer.weight"][::-1]
    np.savez(path, **changed)
    with pytest.raises(InputFileError, match=r"m\.npz: was changed after it was made; train it again\.$"):
        store.load(path, "line", REMEDY)


def _archive(**values):
    buffer = io.BytesIO()
    np.savez(buffer, **values)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no model",
        pickle.dumps(Payload()),
        _archive(x=np.zeros(3)),
        _archive(about=np.frombuffer(b"[]", np.uint8)),
        _archive(about=np.array([Payload()], object)),
    ],
    ids=["empty", "text", "pickle", "other arrays", "other JSON", "array with a pickle"],
)
def test_what_is_no_model_is_refused_and_nothing_in_it_runs(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.npz").write_bytes(content)
    with pytest.raises(InputFileError, match=r"m\.npz: not a model file, or a damaged one; train it again\.$"):
        store.load(tmp_path / "m.npz", "line", REMEDY)
    assert not (tmp_path / "owned").exists()


def test_a_damaged_file_is_refused_wherever_it_is_damaged(tmp_path):
    path = saved(tmp_path / "m.npz")
    whole = path.read_bytes()
    for end in (10, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:end])
        with pytest.raises(InputFileError, match="damaged"):
            store.load(path, "line", REMEDY)
    path.write_bytes(whole.replace(np.float32(5).tobytes(), np.float32(6).tobytes()))
    with pytest.raises(InputFileError, match="damaged"):
        store.load(path, "line", REMEDY)

"""Mean images of selected and of rejected jets."""

import numpy as np
import pytest
from matplotlib.text import Text

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.report.select import images

PNG = b"\x89PNG\r\n\x1a\n"


def test_jet_images(tmp_path) -> None:
    pixels = [[[0.0, 0.1], [0.2, 0.7]]] * 2
    content = {"method": "cwola", "window": "w", "unit": "GeV", "signal_region": [3250, 3750], "edges": [-0.8, 0, 0.8]}
    content |= {"rejected": pixels, "selected": pixels, "events": {"rejected": 90, "selected": 0}}
    write_json(tmp_path / "x.json", content)
    for again in ("a", "b"):
        images.draw(tmp_path / again, [tmp_path / "x.json"], [], None)
    made = (tmp_path / "a/images/cwola_w.png").read_bytes()
    assert made.startswith(PNG)
    assert made == (tmp_path / "b/images/cwola_w.png").read_bytes()
    write_json(tmp_path / "x.json", {"method": "cwola"})
    with pytest.raises(InputFileError, match=r"x\.json: no file of jet images \(it has no 'window'\)"):
        images.draw(tmp_path / "c", [tmp_path / "x.json"], [], None)


def test_drawn_images_are_the_means_and_their_difference(kept, tmp_path) -> None:
    rejected, selected = np.arange(8.0).reshape(2, 2, 2), np.full((2, 2, 2), 4.0)
    content = {"method": "cwola", "window": "w", "unit": "TeV", "signal_region": [1, 2], "edges": [-1, 0, 1]}
    content |= {"events": {"rejected": 1, "selected": 2}, "rejected": rejected.tolist(), "selected": selected.tolist()}
    write_json(tmp_path / "x.json", content)
    images.draw(tmp_path, [tmp_path / "x.json"], [], None)
    drawn = [np.asarray(ax.collections[0].get_array()) for ax in kept["cwola_w"].axes[:6]]
    assert np.array_equal(drawn[0][1], rejected[0][:, 1])
    assert np.all(drawn[1] == 4)
    assert np.array_equal(drawn[5], (selected - rejected)[1].T)
    texts = " ".join(text.get_text() for text in kept["cwola_w"].findobj(Text))
    assert "cwola, w: 1–2 TeV" in texts

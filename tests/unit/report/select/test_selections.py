"""The figure of each selection."""

from resonaut.report.select import selections

PNG = b"\x89PNG\r\n\x1a\n"


def test_figures_repeat_byte_for_byte(selected, tmp_path) -> None:
    for again in ("a", "b"):
        selections.draw(tmp_path / again, selected, [], None)
    made = {path.relative_to(tmp_path / "a"): path.read_bytes() for path in (tmp_path / "a").rglob("*.*")}
    assert made == {path.relative_to(tmp_path / "b"): path.read_bytes() for path in (tmp_path / "b").rglob("*.*")}
    pictures = {path.as_posix() for path, content in made.items() if content.startswith(PNG)}
    assert pictures == {
        *(f"selections/{method}_{window}.png" for method in ("cwola", "tagger") for window in ("low", "high")),
    }


def test_drawn_selection(selected, kept, tmp_path) -> None:
    selections.draw(tmp_path, selected, [], None)
    spectra, sculpting, importances = kept["cwola_low"].axes
    (points,) = sculpting.containers
    assert list(points[0].get_ydata()) == [1, 1, 1]
    assert list(points[0].get_xdata()) == [3125, 3375, 3875]
    assert [bar.get_width() for bar in importances.patches] == [90, 50]
    assert "signal region" in {text.get_text() for text in spectra.get_legend().get_texts()}

"""What all figures look like."""

from matplotlib.figure import Figure

from resonaut.core import style
from resonaut.core.style import COLOURS, distinct


def test_styles_are_distinct_for_many_methods() -> None:
    assert [style["color"] for style in distinct(3)] == list(COLOURS[:3])
    assert len({tuple(style.values()) for style in distinct(14)}) == 14


def test_a_legend_is_no_wider_than_its_figure():
    fig = Figure(figsize=(7, 5), layout="constrained")
    ax = fig.subplots()
    for i in range(6):
        ax.plot([0, 1], [0, i], label=f"a name as long as those of found resonances {i}")
    style.legend_below(fig, 4)
    fig.canvas.draw()
    (legend,) = fig.legends
    assert legend.get_window_extent().width <= fig.bbox.width
    assert len(legend.get_texts()) == 6

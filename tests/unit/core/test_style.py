"""What all figures look like."""

import pytest
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


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("m_jj", "$m_{jj}$"),
        ("m_{#mu#mu}", r"$m_{\mu\mu}$"),
        ("#tau_{21} of jet 1", r"$\tau_{21}$ of jet 1"),
        ("$p_T$ of a_b", "$p_T$ of a_b"),
        ("mean of j1_pf_pt", "mean of j1_pf_pt"),
        ("5 $ a", r"5 \$ a"),
    ],
)
def test_names_become_mathematics_where_they_are(name, shown):
    assert style.mathematical(name) == shown

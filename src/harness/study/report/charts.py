"""Charts as inline SVG. They hold no colours of their own: the page's style gives them by class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from harness.study.report.amounts import number
from harness.study.report.texts import visible

_ROW, _AXIS = 22, 40
_MARGIN = 3.0
"""Percent of the width that stays free on either side."""
_WIDE, _HIGH = 460, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 14, 48


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high` with its ticks; `log` where its values span decades."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value lies, from 0 to 1; values beyond an end are at that end."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return (at - low) / (high - low)

    def percent(self, value: float) -> str:
        """Where a value lies in a row's width."""
        return f"{_MARGIN + (100 - 2 * _MARGIN) * self.share(value):.2f}%"


def scale_over(values: Iterable[float | None], *, zero: bool = False) -> Scale:
    """A scale with round ticks that holds all finite values, and zero if asked for."""
    found = [v for v in values if v is not None and math.isfinite(v)] + ([0.0] if zero else [])
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    if low > 0 and high / low > 50:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        every = 1 + (last - first) // 6
        return Scale(10.0**first, 10.0**last, tuple(10.0**i for i in range(first, last + 1, every)), log=True)
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    step = _step((high - low) / 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(i * step, 12) for i in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def _step(width: float) -> float:
    """The round number (1, 2 or 5 times a power of ten) next above a width."""
    power = 10.0 ** math.floor(math.log10(width))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= width * (1 - 1e-9))


def interval_row(scale: Scale, value: float, low: float | None, high: float | None, told: str, kind: str) -> Markup:
    """One row of an interval chart: a dot with its interval. `kind`, a class of the style, is `sure` or `open`."""
    middle = _ROW / 2
    parts = [_lines(scale, _ROW)]
    if low is not None and high is not None:
        left, right = scale.percent(low), scale.percent(high)
        parts.append(
            Markup('<line class="whisker" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(left, right, middle, middle)
        )
        cap = Markup('<line class="whisker" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>')
        parts += [cap.format(end, 7, _ROW - 7) for end in (left, right)]
    parts.append(Markup('<circle class="{}" cx="{}" cy="{}" r="5"/>').format(kind, scale.percent(value), middle))
    return _svg(told, _ROW, parts)


def bar_row(scale: Scale, value: float, told: str) -> Markup:
    """One row of a bar chart, the bar beginning at zero."""
    left, width = scale.share(min(0.0, value)), abs(scale.share(value) - scale.share(0.0))
    span = 100 - 2 * _MARGIN
    bar = Markup('<rect class="bar" x="{:.2f}%" width="{:.2f}%" y="5" height="{}"/>')
    return _svg(told, _ROW, [_lines(scale, _ROW), bar.format(_MARGIN + span * left, span * width, _ROW - 10)])


def axis(scale: Scale, title: str) -> Markup:
    """The axis below the rows, with its title, which tells the unit."""
    parts = [
        Markup('<text x="{}" y="14" text-anchor="middle">{}</text>').format(scale.percent(tick), tick_text(tick))
        for tick in scale.ticks
    ]
    parts.append(Markup('<text class="title" x="50%" y="33" text-anchor="middle">{}</text>').format(visible(title)))
    return Markup('<svg width="100%" height="{}" aria-hidden="true">{}</svg>').format(_AXIS, Markup("").join(parts))


@dataclass(frozen=True)
class Point:
    """A point of a scatter chart; `name` is written beside it where it is not empty."""

    x: float
    y: float
    told: str
    name: str = ""


def scatter(points: Sequence[Point], x_title: str, y_title: str, told: str) -> Markup:
    """Points over two axes; those with a name are drawn last, and larger."""
    across, up = scale_over(p.x for p in points), scale_over(p.y for p in points)
    parts = [*_x_axis(across, x_title), *_y_axis(up, y_title)]
    taken: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda p: bool(p.name)):
        x, y = _x(across, point.x), _y(up, point.y)
        kind, size = ("sure", 6) if point.name else ("open", 4)
        dot = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}</title></circle>')
        parts.append(dot.format(kind, x, y, size, visible(point.told)))
        place = _free(x, y, taken) if point.name else None
        if place is not None:
            taken.append(place)
            name = Markup('<text class="name" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>')
            parts.append(name.format(*place, visible(point.name)))
    body = Markup("").join(parts)
    head = Markup('<svg class="scatter" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return head.format(_WIDE, _HIGH, visible(told), body)


def tick_text(value: float) -> str:
    """A tick's label."""
    return f"{value:g}" if abs(value) < 10_000 else number(value)


def _free(x: float, y: float, taken: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """A place beside a point where no name stands yet; None where all are taken (the table has it)."""
    places = ((x + 12, y - 6), (x - 12, y - 6), (x + 12, y + 14), (x - 12, y + 14))
    return next((p for p in places if all(abs(p[0] - q[0]) > 18 or abs(p[1] - q[1]) > 13 for q in taken)), None)


def _x(scale: Scale, value: float) -> float:
    return _LEFT + (_WIDE - _LEFT - _RIGHT) * scale.share(value)


def _y(scale: Scale, value: float) -> float:
    return _HIGH - _BOTTOM - (_HIGH - _TOP - _BOTTOM) * scale.share(value)


def _x_axis(scale: Scale, title: str) -> list[Markup]:
    bottom, parts = _HIGH - _BOTTOM, []
    for tick in scale.ticks:
        x = f"{_x(scale, tick):.1f}"
        parts.append(Markup('<line class="grid" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(x, _TOP, bottom))
        parts.append(
            Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(x, bottom + 18, tick_text(tick))
        )
    middle = (_LEFT + _WIDE - _RIGHT) / 2
    text = Markup('<text class="title" x="{}" y="{}" text-anchor="middle">{}</text>')
    return [*parts, text.format(middle, _HIGH - 8, visible(title))]


def _y_axis(scale: Scale, title: str) -> list[Markup]:
    parts = []
    for tick in scale.ticks:
        y = _y(scale, tick)
        line = Markup('<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>')
        parts.append(line.format(_LEFT, _WIDE - _RIGHT, y))
        parts.append(
            Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(_LEFT - 6, y + 4, tick_text(tick))
        )
    middle = (_TOP + _HIGH - _BOTTOM) / 2
    text = Markup('<text class="title" x="14" y="{0}" text-anchor="middle" transform="rotate(-90 14 {0})">{1}</text>')
    return [*parts, text.format(middle, visible(title))]


def _lines(scale: Scale, height: int) -> Markup:
    """The grid behind a row; the line of zero is a class of its own."""
    line = Markup('<line class="{0}" x1="{1}" x2="{1}" y1="0" y2="{2}"/>')
    zero = scale.low < 0
    return Markup("").join(
        line.format("zero" if zero and tick == 0 else "grid", scale.percent(tick), height) for tick in scale.ticks
    )


def _svg(told: str, height: int, parts: Iterable[Markup]) -> Markup:
    text = escape(visible(told))
    head = Markup('<svg width="100%" height="{}" role="img" aria-label="{}"><title>{}</title>{}</svg>')
    return head.format(height, text, text, Markup("").join(parts))

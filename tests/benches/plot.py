"""Line plots as SVG, written by hand: logarithmic axes, one legend, no library, a few kilobytes each."""

import dataclasses
import html
import math

# Colours that are told apart by most eyes, and a mark for each besides.
LOOKS = [("#0072b2", "circle"), ("#d55e00", "square"), ("#009e73", "up"), ("#cc79a7", "diamond"), ("#8a6d00", "down"), ("#555555", "cross"), ("#56b4e9", "square")]
HEIGHT, LEFT, TOP, BOTTOM, GAP, ROW = 300, 66, 66, 54, 76, 20


@dataclasses.dataclass
class Series:
    """`look` is the number of its colour and mark; `dashed` tells two works of one contender apart."""

    name: str
    points: list
    look: int
    dashed: bool = False


@dataclasses.dataclass
class Panel:
    """`ticks` are the positions that are named on the x axis; a position of 0 is drawn left of all others."""

    title: str
    x_label: str
    y_label: str
    ticks: list
    series: list


def write(path, title, subtitle, panels):
    names = {}
    for panel in panels:
        for series in panel.series:
            names.setdefault((series.name, series.dashed), series)
    panel_width = 640 if len(panels) == 1 else 400
    width = LEFT + len(panels) * panel_width + (len(panels) - 1) * GAP + 24
    columns = 3 if len(panels) == 1 else 4
    height = TOP + HEIGHT + BOTTOM + math.ceil(len(names) / columns) * ROW + 4
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        text(LEFT, 20, title, size=15, weight="bold"),
        text(LEFT, 37, subtitle, colour="#666", size=11),
    ]
    for number, panel in enumerate(panels):
        out += draw_panel(panel, LEFT + number * (panel_width + GAP), panel_width)
    step = (width - LEFT) / columns
    for number, series in enumerate(names.values()):
        x, y = LEFT + number % columns * step, TOP + HEIGHT + BOTTOM + number // columns * ROW
        out += line([(x, y), (x + 30, y)], series)
        out.append(mark(x + 15, y, series.look))
        out.append(text(x + 37, y + 4, series.name))
    out.append("</svg>\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(out))


def draw_panel(panel, left, width):
    values = [y for series in panel.series for _, y in series.points]
    if not values:
        return [text(left, TOP + 20, "nothing was measured")]
    x_of = x_scale(panel.ticks, left, width)
    low, high = math.floor(math.log10(min(values)) * 4 - 0.2) / 4, math.ceil(math.log10(max(values)) * 4 + 0.2) / 4
    bottom = TOP + HEIGHT

    def y_of(y):
        return bottom - (math.log10(y) - low) / (high - low) * HEIGHT

    out = [text(left, TOP - 8, panel.title, weight="bold")]
    for exponent in range(math.floor(low), math.ceil(high) + 1):
        for factor in range(1, 10):
            value = factor * 10.0**exponent
            if low <= math.log10(value) <= high + 1e-9:
                shade = "#ccc" if factor == 1 else "#f0f0f0"
                out.append(f'<path d="M{left} {y_of(value):.1f}h{width}" stroke="{shade}"/>')
                if factor == 1 or (high - low < 2.1 and factor in (2, 5)):
                    out.append(text(left - 6, y_of(value) + 4, duration(value), anchor="end"))
    for tick in panel.ticks:
        out.append(f'<path d="M{x_of(tick):.1f} {TOP}v{HEIGHT + 5}" stroke="#e4e4e4"/>')
        out.append(text(x_of(tick), bottom + 18, number(tick), anchor="middle"))
    out.append(f'<rect x="{left}" y="{TOP}" width="{width}" height="{HEIGHT}" fill="none" stroke="#888"/>')
    out.append(text(left + width / 2, bottom + 35, panel.x_label, anchor="middle"))
    out.append(f'<g transform="translate({left - 50} {TOP + HEIGHT / 2}) rotate(-90)">{text(0, 0, panel.y_label, anchor="middle")}</g>')
    # Ours last, so that it lies on top.
    for series in sorted(panel.series, key=lambda series: -series.look):
        places = [(x_of(x), y_of(y)) for x, y in series.points]
        out += line(places, series)
        out += [mark(x, y, series.look) for x, y in places]
    return out


def x_scale(ticks, left, width):
    """Logarithmic from the first tick above 0 to the last; 0 stands as far left of the first as a factor of 4."""
    positive = [tick for tick in ticks if tick > 0]
    first, last = math.log(positive[0]), math.log(positive[-1])
    low = first - math.log(4) if 0 in ticks else first

    def x_of(x):
        return left + 16 + (width - 32) * ((math.log(x) if x > 0 else low) - low) / (last - low)

    return x_of


def line(places, series):
    colour = LOOKS[series.look][0]
    dashes = ' stroke-dasharray="6 4"' if series.dashed else ""
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return [f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'] if len(places) > 1 else []


def mark(x, y, look):
    colour, shape = LOOKS[look]
    paths = {
        "circle": f"M{x - 4:.1f} {y:.1f}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        "square": f"M{x - 3.5:.1f} {y - 3.5:.1f}h7v7h-7z",
        "up": f"M{x:.1f} {y - 4.5:.1f}l4.5 8h-9z",
        "down": f"M{x:.1f} {y + 4.5:.1f}l4.5 -8h-9z",
        "diamond": f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z",
        "cross": f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8",
    }
    return f'<path d="{paths[shape]}" fill="{colour}" stroke="{colour if shape == "cross" else "#fff"}" stroke-width="{2 if shape == "cross" else 0.8}"/>'


def text(x, y, words, anchor="start", size=12, weight="normal", colour="#222"):
    attributes = "".join(
        f' {name}="{value}"'
        for name, value, usual in (("text-anchor", anchor, "start"), ("font-size", size, 12), ("font-weight", weight, "normal"), ("fill", colour, "#222"))
        if value != usual
    )
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{html.escape(words)}</text>'


def duration(seconds):
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1, 1e3, "ms")):
        if seconds < limit * 0.9999:
            return f"{seconds * factor:g} {unit}"
    return f"{seconds:g} s"


def number(value):
    digits = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    exponent = round(math.log10(value)) if value >= 1000 else 0
    return "10" + str(exponent).translate(digits) if value >= 1000 and value == 10**exponent else f"{value:g}"

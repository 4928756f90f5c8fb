#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draw what was measured: plot.py JSON DIRECTORY writes processes.svg and keys.svg of what bench has written, workers.svg of what
bench_provider has, cost-in-python.svg of what python/compare.py has, and gateways.svg of what gateway/compare.py has."""

import json
import math
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 920, 520
LEFT, RIGHT, TOP, BOTTOM = 84, 290, 64, 96  # margins; the names of the lines stand in the right one
FONT = "font-family='system-ui, sans-serif'"
TEXT, FAINT, GRID = "#1f2933", "#52606d", "#e4e7eb"
COLOURS = {
    "keyshm": "#0b6e4f",
    "one shared fetch_add": "#7b8794",
    "robust lock and unlock": "#3e4c59",
    "table under a mutex": "#c05621",
    "libtdb": "#2b6cb0",
    "LMDB": "#6b46c1",
    "Redis": "#c53030",
    "APCu": "#b7791f",
    "counted before": "#0b6e4f",
    "learned by 429": "#c53030",
}


class Axis:
    """Logarithmic, from one value to another over a range of pixels."""

    def __init__(self, least, most, first, last):
        self.least, self.most, self.first, self.last = math.log(least), math.log(most), first, last

    def at(self, value):
        part = (math.log(value) - self.least) / (self.most - self.least)
        return self.first + part * (self.last - self.first)


def text(x, y, content, size=13, colour=TEXT, anchor="start", extra=""):
    return (f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' fill='{colour}' text-anchor='{anchor}' {extra}>"
            f"{escape(content)}</text>")


def time_label(ns):
    for unit, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if ns >= unit:
            return f"{ns / unit:g} {name}"
    return f"{ns:g} ns"


def measured_label(ns):
    """Three digits."""
    unit, name = (1e3, "µs") if ns >= 1e3 else (1, "ns")
    return f"{float(f'{ns / unit:.3g}'):g} {name}"


def decades(values):
    """The powers of ten around the values."""
    return (10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values))))


def spread(places, distance):
    """Move places, ascending, apart, so that labels there do not overlap."""
    moved = list(places)
    for _ in range(200):
        for i in range(len(moved) - 1):
            overlap = distance - (moved[i + 1] - moved[i])
            if overlap > 0:
                moved[i] -= overlap / 2
                moved[i + 1] += overlap / 2
    return moved


def draw_grid(x_axis, y_axis, x_ticks, least_ns, most_ns, x_title):
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    ns = least_ns
    while ns <= most_ns:
        y = y_axis.at(ns)
        yield f"<line x1='{LEFT}' x2='{right}' y1='{y:.1f}' y2='{y:.1f}' stroke='{GRID}'/>"
        yield text(LEFT - 10, y + 4, time_label(ns), colour=FAINT, anchor="end")
        ns *= 10
    for tick in x_ticks:
        x = x_axis.at(tick)
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{bottom}' y2='{bottom + 6}' stroke='{FAINT}'/>"
        yield text(x, bottom + 22, f"{tick:,}", colour=FAINT, anchor="middle")
    yield f"<line x1='{LEFT}' x2='{right}' y1='{bottom}' y2='{bottom}' stroke='{FAINT}'/>"
    yield text((LEFT + right) / 2, bottom + 42, x_title, colour=FAINT, anchor="middle")


def draw_line(line, x_axis, y_axis):
    points = [(x_axis.at(x), y_axis.at(ns)) for x, ns in line["points"]]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    width = 3 if line["contender"] == "keyshm" else 1.8
    colour = COLOURS.get(line["contender"], FAINT)
    dashes = f" stroke-dasharray='{line['dashes']}'" if line["dashes"] else ""
    yield f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='{width}'{dashes}/>"
    for x, y in points:
        yield f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{width + 1}' fill='{colour}'/>"


def draw_names(lines, y_axis):
    """At the right end of each line its name, and what its last point is."""
    lines = sorted(lines, key=lambda line: y_axis.at(line["points"][-1][1]))
    ends = [y_axis.at(line["points"][-1][1]) for line in lines]
    for line, end, y in zip(lines, ends, spread(ends, 17)):
        colour = COLOURS.get(line["contender"], FAINT)
        x = WIDTH - RIGHT
        yield f"<line x1='{x + 6}' x2='{x + 18}' y1='{end:.1f}' y2='{y:.1f}' stroke='{colour}' stroke-width='0.8'/>"
        weight = "font-weight='bold'" if line["contender"] == "keyshm" else ""
        label = f"{line['name']}, {measured_label(line['points'][-1][1])}"
        yield text(x + 22, y + 4, label, size=12, colour=colour, extra=weight)


def draw(title, lines, x_title, result):
    x_values = sorted({x for line in lines for x, _ in line["points"]})
    least_ns, most_ns = decades([ns for line in lines for _, ns in line["points"]])
    x_axis = Axis(x_values[0], x_values[-1], LEFT + 14, WIDTH - RIGHT - 4)
    y_axis = Axis(least_ns, most_ns, HEIGHT - BOTTOM, TOP)
    machine = result["machine"]
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' {FONT}>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#ffffff'/>",
        text(LEFT, 30, title, size=17, extra="font-weight='bold'"),
        text(LEFT, 49, "time of the machine for each pick; both axes are logarithmic", size=12, colour=FAINT),
        *draw_grid(x_axis, y_axis, x_values, least_ns, most_ns, x_title),
    ]
    for line in lines:
        parts += draw_line(line, x_axis, y_axis)
    parts += draw_names(lines, y_axis)
    caption = (f"{machine['processor']}, {machine['processors']} processors, {machine['system']}, {machine['libc']}, "
               f"{machine['compiler']}; {result['date']}; medians of {result['rounds']} rounds")
    parts += [text(LEFT, HEIGHT - 14, caption, size=11, colour=FAINT), "</svg>"]
    return "\n".join(parts) + "\n"


def line_of(name, contender, points, dashes=""):
    return {"name": name, "contender": contender, "points": sorted(points), "dashes": dashes}


def lines_by_processes(measurements):
    picks = ("fetch_add", "lock and unlock", "pick")
    contenders = {m["contender"]: m["work"] for m in measurements if m["processes"] > 1 and m["work"] in picks}
    for contender, work in contenders.items():
        together = [m for m in measurements if m["contender"] == contender and m["work"] == work]
        keys = next(m["keys"] for m in together if m["processes"] > 1)
        points = [(m["processes"], m["median_ns"]) for m in together if m["keys"] == m["available"] == keys]
        yield line_of(contender, contender, points)


def lines_by_keys(measurements):
    def line(contender, text, share, dashes):
        points = [(m["keys"], m["median_ns"]) for m in measurements
                  if m["contender"] == contender and m["work"] == "pick" and m["processes"] == 1 and
                  m["keys"] in sizes and m["available"] == share(m["keys"])]
        name = "table" if contender.startswith("table") else contender
        return line_of(f"{name}, {text}", contender, points, dashes)

    sizes = {m["keys"] for m in measurements if m["available"] == 1}
    for contender in ("table under a mutex", "keyshm"):
        yield line(contender, "all but one cooling", lambda keys: 1, "2 4")
        yield line(contender, "99 % cooling", lambda keys: keys // 100, "8 4")
    yield line("keyshm", "all available", lambda keys: keys, "")


# ---- requests by the number of workers: two panels, with linear axes from 0 ----

PANELS = (("answered_per_s", "answered, requests a second"), ("refused_per_s", "refused, requests a second"))


def round_up(value):
    """To 1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def draw_panel(points, field, title, left, right):
    bottom, ways = HEIGHT - BOTTOM, list(dict.fromkeys(point["way"] for point in points))
    most = round_up(max(point[field] for point in points))
    workers = sorted({point["workers"] for point in points})
    x_axis = Axis(workers[0], workers[-1], left + 14, right - 14)
    yield text(left, TOP + 14, title, extra="font-weight='bold'")
    for i in range(6):
        y = bottom - (bottom - TOP - 34) * i / 5
        yield f"<line x1='{left}' x2='{right}' y1='{y:.1f}' y2='{y:.1f}' stroke='{GRID}'/>"
        yield text(left - 8, y + 4, f"{most * i / 5:g}", colour=FAINT, anchor="end")
    for count in workers:
        yield text(x_axis.at(count), bottom + 22, f"{count}", colour=FAINT, anchor="middle")
    yield text((left + right) / 2, bottom + 42, "workers", colour=FAINT, anchor="middle")
    for way in ways:
        places = [(x_axis.at(point["workers"]), bottom - (bottom - TOP - 34) * point[field] / most)
                  for point in points if point["way"] == way]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f"<polyline points='{path}' fill='none' stroke='{COLOURS[way]}' stroke-width='2.4'/>"
        for x, y in places:
            yield f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3.4' fill='{COLOURS[way]}'/>"


def draw_by_workers(result):
    points, middle = result["by_workers"], WIDTH / 2
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' {FONT}>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#ffffff'/>",
        text(LEFT, 30, "Workers that want more than the provider allows", size=17, extra="font-weight='bold'"),
    ]
    for i, way in enumerate(dict.fromkeys(point["way"] for point in points)):
        parts.append(text(LEFT + 150 * i, 52, f"● {way}", colour=COLOURS[way]))
    parts += draw_panel(points, *PANELS[0], LEFT, middle - 20)
    parts += draw_panel(points, *PANELS[1], middle + 60, WIDTH - 40)
    caption = f"{result['setting']}; {result['date']}"
    parts += [text(LEFT, HEIGHT - 14, caption, size=11, colour=FAINT), "</svg>"]
    return "\n".join(parts) + "\n"


# ---- picks in Python: a bar for each way, on a logarithmic axis ----

BAR, BAR_STEP, NAMES = 16, 26, 330


def draw_bars(rows, x_axis):
    left, end = x_axis.first, TOP + BAR_STEP * len(rows)
    ns = math.exp(x_axis.least)
    while ns <= math.exp(x_axis.most) * 1.01:
        x = x_axis.at(ns)
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{TOP}' y2='{end}' stroke='{GRID}'/>"
        yield text(x, end + 18, time_label(round(ns)), colour=FAINT, anchor="middle")
        ns *= 10
    for number, (name, ns) in enumerate(rows):
        y, is_ours = TOP + BAR_STEP * number + (BAR_STEP - BAR) / 2, name.startswith("keyshm:")
        colour, weight = (COLOURS["keyshm"], "font-weight='bold'") if is_ours else (COLOURS["one shared fetch_add"], "")
        yield text(left - 10, y + 12, name, size=12, anchor="end", extra=weight)
        yield f"<rect x='{left}' y='{y:.1f}' width='{x_axis.at(ns) - left:.1f}' height='{BAR}' fill='{colour}'/>"
        yield text(x_axis.at(ns) + 6, y + 12, measured_label(ns), size=12, colour=colour, extra=weight)


def draw_python(result):
    rows = [(one["contender"], min(one["cpu_ns"])) for one in result["python_picks"] if not one["contender"].startswith("(")]
    least_ns, most_ns = decades([ns for _, ns in rows])
    height, machine = TOP + BAR_STEP * len(rows) + 66, result["machine"]
    caption = (f"{machine['processor']}, {machine['processors']} processors, {machine['system']}, {machine['python']}; "
               f"{result['date']}; least of {result['rounds']} rounds")
    return "\n".join([
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' {FONT}>",
        f"<rect width='{WIDTH}' height='{height}' fill='#ffffff'/>",
        text(20, 30, "A pick in Python", size=17, extra="font-weight='bold'"),
        text(20, 49, "CPU time of the process that picks, without that of a server; the axis is logarithmic", size=12, colour=FAINT),
        *draw_bars(rows, Axis(least_ns, most_ns, NAMES, WIDTH - 90)),
        text(20, height - 14, caption, size=11, colour=FAINT),
        "</svg>",
    ]) + "\n"


# ---- gateways: two panels of bars, with linear axes from 0 ----

BARS = (("requests_per_s", "requests a second", "{:,.0f}"), ("cpu_us", "CPU time of the gateway for each, µs", "{:,.1f}"))
BAR_HEIGHT, NAMES_END = 44, 190


def draw_gateway_bars(rows, field, title, form, left, right):
    most = max(row[field] for row in rows)
    yield text(left, 84, title, extra="font-weight='bold'")
    for i, row in enumerate(rows):
        y, width = 100 + BAR_HEIGHT * i, (right - left - 60) * row[field] / most
        colour = COLOURS["keyshm"] if "keyshm" in row["gateway"] else FAINT
        yield f"<rect x='{left}' y='{y}' width='{max(width, 1):.1f}' height='{BAR_HEIGHT - 18}' fill='{colour}'/>"
        yield text(left + max(width, 1) + 6, y + 18, form.format(row[field]), size=12)


def draw_gateways(result):
    rows, middle = [row for row in result["gateways"] if row["scenario"] == result["gateways"][0]["scenario"]], 545
    height, machine = 150 + BAR_HEIGHT * len(rows), result["machine"]
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' {FONT}>",
        f"<rect width='{WIDTH}' height='{height}' fill='#ffffff'/>",
        text(20, 30, "Gateways that put a key into a request", size=17, extra="font-weight='bold'"),
        text(20, 49, f"{rows[0]['scenario']}; {result['connections']} connections; client, gateway and provider on one machine", size=12, colour=FAINT),
    ]
    for i, row in enumerate(rows):
        weight = "font-weight='bold'" if "keyshm" in row["gateway"] else ""
        parts.append(text(NAMES_END - 12, 118 + BAR_HEIGHT * i, row["gateway"], anchor="end", extra=weight))
    parts += draw_gateway_bars(rows, *BARS[0], NAMES_END, middle - 20)
    parts += draw_gateway_bars(rows, *BARS[1], middle + 10, WIDTH - 20)
    caption = (f"{machine['processor']}, {machine['processors']} processors, {machine['system']}, {', '.join(machine['programs'])}; "
               f"{result['date']}; medians of {result['number_of_rounds']} rounds")
    parts += [text(20, height - 14, caption, size=11, colour=FAINT), "</svg>"]
    return "\n".join(parts) + "\n"


def draw_by_load(result):
    plots = {
        "processes.svg": ("A pick of 100 keys, all available, by the number of processes",
                          list(lines_by_processes(result["measurements"])), "processes"),
        "keys.svg": ("A pick by one process, by the number of keys",
                     list(lines_by_keys(result["measurements"])), "keys"),
    }
    return {name: draw(title, lines, x_title, result) for name, (title, lines, x_title) in plots.items()}


def main():
    if len(sys.argv) != 3:
        sys.exit("Usage: plot.py JSON DIRECTORY")
    with open(sys.argv[1], encoding="utf-8") as file:
        result = json.load(file)
    if "python_picks" in result:
        pictures = {"cost-in-python.svg": draw_python(result)}
    elif "measurements" in result:
        pictures = draw_by_load(result)
    elif "gateways" in result:
        pictures = {"gateways.svg": draw_gateways(result)}
    else:
        pictures = {"workers.svg": draw_by_workers(result)}
    for name, picture in pictures.items():
        with open(f"{sys.argv[2]}/{name}", "w", encoding="utf-8") as file:
            file.write(picture)


if __name__ == "__main__":
    main()

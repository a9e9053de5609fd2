"""The plots of docs/performance.md."""

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from tables import RIVALS, by_rival, size_name

plt.rcParams.update({"svg.hashsalt": "ferry", "svg.fonttype": "none", "font.size": 9, "axes.grid": True,
                     "grid.alpha": 0.3, "axes.axisbelow": True, "figure.figsize": (8, 4.5)})
LINES = ("cpu", "lock", "raw", "ferry", "ferry transfer", "one process")


def plain(rival):
    return RIVALS[rival].replace("**", "")


def style(rival):
    ours = rival.startswith("ferry")
    return {"linewidth": 2.2 if ours else 1.2, "marker": "o" if ours else "s",
            "markersize": 4, "linestyle": "--" if rival == "raw" else "-"}


def finish(figure, axes, result, path):
    about = result["about"]
    axes.set_title(f"{about['device']}, {about['driver']}, {about['date']}", fontsize=8)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def over_sizes(result, sizes, value, label, path):
    figure, axes = plt.subplots()
    names = [size_name(size["size"]) for size in sizes]
    for rival in LINES:
        rows = [by_rival(result, size).get(rival) for size in sizes]
        if all(rows):
            axes.plot(names, [value(row) for row in rows], label=plain(rival), **style(rival))
    axes.set_yscale("log")
    axes.set_ylabel(label)
    finish(figure, axes, result, path)


def wake_crowd(result, path):
    figure, axes = plt.subplots()
    ways = {}
    for row in result["wake-crowd"]:
        ways.setdefault(row["way"], []).append((row["sleepers"], row["ring_us"]["p50"]))
    for way, points in ways.items():
        axes.plot(*zip(*points), label=way, marker="o", markersize=4)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("processes asleep")
    axes.set_ylabel("us to ring for all of them, p50")
    finish(figure, axes, result, path)


def draw(results, folder):
    for name, result in results.items():
        if "latency" in result:
            over_sizes(result, result["latency"], lambda row: row["p50"], "us from submit to completed read, p50",
                       folder / f"{name}-latency.svg")
        if "throughput" in result:
            over_sizes(result, result["throughput"], lambda row: row["frames_per_second"], "frames a second, unthrottled",
                       folder / f"{name}-throughput.svg")
        if "wake-crowd" in result:
            wake_crowd(result, folder / f"{name}-wake-crowd.svg")

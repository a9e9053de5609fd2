"""The tables of docs/performance.md, as lines of Markdown."""

MEASUREMENTS = ("latency", "next-step", "throughput", "cost", "growth", "attach", "wakeup", "wake-crowd", "host-wait", "flood",
                "library")

RIVALS = {
    "raw": "raw Vulkan, two processes: the floor",
    "ferry": "**Ferry**",
    "ferry transfer": "**Ferry**, read on a transfer queue",
    "one process": "one process, one device",
    "cpu": "GPU to CPU to GPU through shared memory",
    "unsynced": "one image, no synchronisation (obs-vkcapture's way)",
    "lock": "lock and two copies (texture-share-vk's way)",
    "raw transfer": "raw Vulkan, read on a transfer queue",
    "ferry ring": "Ferry, copied on a transfer queue, then read",
    "raw compute": "raw Vulkan, read on a compute queue",
    "ferry compute": "Ferry, read on a compute queue",
    "raw early": "raw Vulkan, reading submitted before the drawing",
    "raw high": "raw Vulkan, both at priority high",
    "ferry high": "Ferry, both at priority high",
    "raw realtime": "raw Vulkan, both at priority realtime",
    "raw consumer high": "raw Vulkan, consumer at priority high",
}
BATCHES = {
    "one process": "one process, one device, frame by frame",
    "raw 1": "raw Vulkan, frame by frame: the floor",
    "ferry 1": "**Ferry**, frame by frame",
    "raw 2": "raw Vulkan, 2 frames in one submission",
    "ferry 2": "**Ferry**, 2 frames in one submission",
    "raw 4": "raw Vulkan, 4 frames in one submission",
    "ferry 4": "**Ferry**, 4 frames in one submission",
    "raw 4 apart": "raw Vulkan, 4 frames under way, a submission each",
}
PACED = {
    "alone": "nobody reads",
    "raw": "raw Vulkan, submitted when published: the floor",
    "ferry": "**Ferry**, submitted when published",
    "raw ahead": "raw Vulkan, submitted 0.5 ms before the drawing",
    "raw complete": "raw Vulkan, submitted when drawn",
    "ferry complete": "**Ferry**, submitted when drawn",
    "ferry host": "**Ferry**, sync mode host: published when drawn",
    "raw transfer": "raw Vulkan, on a transfer queue when published",
    "ferry transfer": "**Ferry**, on a transfer queue when published",
}
ENOUGH_FOR_P99 = 300  # frames: of fewer it is the third worst, or the worst
SIZE_NAMES = {"1280x720": "720p", "1920x1080": "1080p", "3840x2160": "4K", "7680x4320": "8K"}


def size_name(size):
    return SIZE_NAMES.get(size, size)


def us(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def grid(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + ["| " + " | ".join(row) + " |" for row in rows]


def caption(result, command):
    about = result["about"]
    machine = f"{about['device']}, {about['driver']}, {about['processors']} processors, kernel {about['kernel']}"
    run = f"sync mode `{about['sync']}`, {about['build']}, {about['date']}"
    return [f"{machine}, {run}. `{f'scripts/bench {command}'.strip()}`", ""]


def by_rival(result, size):
    return {row["rival"]: row for row in size["rivals"]}


def quantiles(row):
    return " / ".join("-" if k == "p99" and row["n"] < ENOUGH_FOR_P99 else us(row[k]) for k in ("p50", "p90", "p99", "max"))


def latency(result):
    sizes = [(size["size"], by_rival(result, size)) for size in result["latency"]]
    rows = []
    for rival, name in RIVALS.items():
        if not any(rival in rivals for _, rivals in sizes):
            continue
        cells = []
        for _, rivals in sizes:
            row = rivals.get(rival)
            wrong = f", {row['wrong_frames']:,} of {row['n']:,} torn" if row and row["wrong_frames"] else ""
            cells.append(quantiles(row) + wrong if row else "-")
        rows.append([name] + cells)
    return caption(result, "latency") + grid(["us, p50 / p90 / p99 / max"] + [size_name(s) for s, _ in sizes], rows)


def p50_p99(row):
    return f"{us(row['p50'])} / {us(row['p99']) if row['n'] >= ENOUGH_FOR_P99 else '-'}"


def batches(result):
    sizes = [(size["size"], {row["rival"]: row for row in size["batches"]}) for size in result["next-step"]
             if "batches" in size]
    rows = []
    for rival, name in BATCHES.items():
        if not any(rival in rivals for _, rivals in sizes):
            continue
        cells = []
        for _, rivals in sizes:
            row = rivals.get(rival)
            wrong = f", {row['wrong_frames']:,} wrong" if row and row["wrong_frames"] else ""
            cells.append(f"{p50_p99(row['latency_us'])}; {us(row['frames_per_second'])}; {us(row['between_us']['p50'])}" + wrong
                         if row else "-")
        rows.append([name] + cells)
    return caption(result, "next-step") + grid(
        ["newest frame, us, p50 / p99; frames/s; from drawn to read on the GPU, us, p50"] + [size_name(s) for s, _ in sizes],
        rows)


def pacing(result):
    rows = []
    for size in result["next-step"]:
        for pace in size.get("pacing", []):
            rivals = {row["rival"]: row for row in pace["rivals"]}
            for rival, name in PACED.items():
                if rival not in rivals:
                    continue
                row = rivals[rival]
                read = row["reading_us"]["n"] > 0
                rows.append([f"{size_name(size['size'])}, {pace['rate_hz']} Hz, {pace['drawing']}", name,
                             p50_p99(row["latency_us"]), p50_p99(row["drawing_us"]), f"{row['drawing_ratio_to_first']:.3f}",
                             us(row["between_us"]["p50"]) if read else "-", us(row["reading_us"]["p50"]) if read else "-",
                             us(row["consumer_cpu_us"])])
    head = ["pace, drawing", "reading", "submitted to read, us, p50 / p99", "drawing on the GPU, us, p50 / p99",
            "drawing over nobody reads", "from drawn to reading, us, p50", "reading on the GPU, us, p50",
            "consumer's CPU us a frame"]
    return caption(result, "next-step") + grid(head, rows)


def added(rivals, rival):
    return rivals[rival]["p50"] - rivals["one process"]["p50"]


def ratio_of_added(rivals, rival):
    """How many times less Ferry adds than the way through the CPU; None: Ferry adds nothing that can be measured."""
    noise_us = 5  # medians of one way differ by as much from run to run
    return added(rivals, "cpu") / added(rivals, rival) if added(rivals, rival) > noise_us else None


def targets(result):
    rows = []

    def row(target, wanted, measured, met):
        rows.append([target, wanted, measured, "met" if met else "**missed**"])

    # Not where the group of Ferry and the floor was not run.
    latencies = [size for size in result.get("latency", []) if "ferry" in by_rival(result, size)]
    for size in latencies:
        rivals, name = by_rival(result, size), size_name(size["size"])
        p50, p99 = rivals["ferry"]["p50_ratio_to_first"], rivals["ferry"]["p99_ratio_to_first"]
        row(f"{name}: Ferry's p50 over the floor's", "1.05", f"{p50:.3f}", p50 <= 1.05)
        frames = min(rivals["ferry"]["n"], rivals["raw"]["n"])
        if frames >= ENOUGH_FOR_P99:
            row(f"{name}: Ferry's p99 over the floor's", "1.2", f"{p99:.2f}", p99 <= 1.2)
        else:
            rows.append([f"{name}: Ferry's p99 over the floor's", "1.2", f"{frames} frames say nothing", "not shown"])
        wanted = {"1080p": 10, "4K": 30, "8K": 100}.get(name)
        if wanted and not result["about"]["software"]:
            for rival, label in (("ferry", "graphics queue"), ("ferry transfer", "transfer queue")):
                ratio = ratio_of_added(rivals, rival)
                said = "adds nothing" if ratio is None else f"{ratio:.1f} x less"
                row(f"{name}: latency added, CPU path over Ferry, read on a {label}", f"{wanted} x", said,
                    ratio is None or ratio >= wanted)
    over = [(by_rival(result, size)["ferry"]["p50"], by_rival(result, size)["raw"]["p50"])
            for size in latencies]
    row("Ferry's p50 minus the floor's, from the smallest size to the largest", "independent of the size",
        ", ".join(f"{ferry - raw:+.0f}" for ferry, raw in over) + " us", all(ferry < 1.05 * raw for ferry, raw in over))
    library = {bench["name"].split("/iterations")[0]: bench for bench in result.get("library", [])}
    if library:
        for call in ("publish", "acquire"):
            p50 = library[f"{call}/consumers:1"]["p50_ns"]
            row(f"{call}(), library alone, p50", "1,000 ns", f"{p50:.0f} ns", p50 < 1000)
        for bench, label in (("publish", "awake"), ("publish_to_sleepers", "asleep")):
            growth = library[f"{bench}/consumers:64"]["p50_ns"] / library[f"{bench}/consumers:1"]["p50_ns"]
            row(f"publish() to 64 consumers over one, {label}", "2", f"{growth:.2f}", growth <= 2)
    if result["about"]["software"] and "attach" in result:
        worst = max(size["attach_to_first_frame_us"]["p50"] for size in result["attach"]["sizes"])
        row("attach to first frame, warm, p50, largest size", "5,000 us", f"{us(worst)} us", worst < 5000)
    if "growth" in result:
        wake_ups = result["growth"]["broker"]["busy"]["wake_ups"]
        row("broker's wake-ups while frames flow", "0", str(wake_ups), wake_ups == 0)
    return caption(result, "") + grid(["target", "at most, or at least", "measured", ""], rows)


def throughput(result):
    sizes = result["throughput"]
    names = [rival for rival in RIVALS if any(rival in by_rival(result, size) for size in sizes)]
    rows = []
    for rival in names:
        found = [by_rival(result, size).get(rival) for size in sizes]
        rows.append([RIVALS[rival]] + [us(row["frames_per_second"]) if row else "-" for row in found])
    drops = [size["without_a_drop"]["frames_per_second"] for size in sizes]
    rows.append(["**Ferry**, paced, highest rate without a drop"] + [us(rate) if rate else "-" for rate in drops])
    return caption(result, "throughput") + grid(["frames/s"] + [size_name(size["size"]) for size in sizes], rows)


def cost(result):
    rows = []
    for row in result["cost"]:
        for part in ("producer", "consumer", "broker"):
            if part not in row:
                continue
            usage, calls = row[part], row[part]["system_calls"]
            switches = (f"{usage['voluntary_switches']:.1f}" if "voluntary_switches" in usage
                        else f"{usage['wake_ups']} in all")
            rows.append([size_name(row["size"]), RIVALS[row["rival"]], part, us(usage["cpu_us"]), switches,
                         f"{calls['total']:.1f}" if isinstance(calls, dict) else "-",
                         f"{usage['library_allocations']:.0f}" if "library_allocations" in usage else "-",
                         us(usage["cache_misses"]) if usage.get("cache_misses") is not None else "not counted"])
    head = ["60 Hz", "way", "process", "CPU us a frame", "context switches a frame", "system calls a frame",
            "libferry's allocations a frame", "cache misses"]
    return caption(result, "cost") + grid(head, rows)


def growth(result):
    found = result["growth"]
    lines = caption(result, "growth")
    lines += grid(["consumers asleep in acquire()", "all awake after, us, p50"],
                  [[str(row["consumers"]), us(row["all_awake_us"]["p50"])] for row in found["consumers"]])
    lines += [""] + grid(["streams", "create us, p50", "attach us, p50", "status us, p50", "broker memory a stream, KiB",
                          "broker descriptors a stream"],
                         [[f"{row['streams']:,}", f"refused after {row['created']:,}: {row['refused']}", "-", "-", "-", "-"]
                          if "refused" in row else
                          [f"{row['streams']:,}", us(row["create_us"]["p50"]), us(row["attach_us"]["p50"]),
                           us(row["status_us"]["p50"]), us(row["broker_bytes_a_stream"] / 1024),
                           f"{row['broker_descriptors_a_stream']:.1f}"] for row in found["streams"]])
    memory, rate, broker = found["memory"], found["attach_rate"], found["broker"]
    busy, idle = broker["busy"], broker["idle"]
    return lines + ["", " ".join([
        f"Attach and detach, one after the other: {us(rate['attach_detach_per_second'])} a second,",
        f"{us(rate['broker_cpu_us_each'])} us of the broker's processor each, {rate['descriptors_left']} descriptors left.",
        f"Broker: {us(memory['broker_bytes'] / 2**20)} MiB; a lease {us(memory['broker_bytes_a_lease'] / 1024)} KiB and",
        f"{memory['broker_descriptors_a_lease']:.1f} descriptors, a session",
        f"{memory['broker_descriptors_a_session']:.1f} descriptors. Its loop woke {busy['wake_ups']} times in",
        f"{busy['seconds']:.0f} s of 120 Hz and {idle['wake_ups']} times in {idle['seconds']:.0f} s of nothing; the driver's",
        f"threads in it {busy['wake_ups_of_all_threads']} and {idle['wake_ups_of_all_threads']} times."])]


def attach(result):
    sizes, resize = result["attach"]["sizes"], result["attach"]["resize"]
    lines = caption(result, "attach")
    lines += grid(["to the first frame, us, p50 / p99"] + [size["size"] for size in sizes],
                  [[label] + [f"{us(size[key]['p50'])} / {us(size[key]['p99'])}" for size in sizes]
                   for label, key in (("attach", "attach_to_first_frame_us"),
                                      ("connect and attach", "connect_to_first_frame_us"),
                                      ("from the start of a process", "process_start_to_first_frame_us"))])
    return lines + ["", f"Resize, {resize['rate_hz']} Hz, 720p to 1080p and back, {resize['resizes']} times: "
                    f"{resize['frames_missed']} frames missed, gap {resize['gap_at_resize_ms']['p50']:.1f} ms instead of "
                    f"{resize['gap_ms']['p50']:.1f} ms (p50)."]


def wakeup(result):
    rows = [[row["way"], f"{row['p50']:.1f}", f"{row['p99']:.1f}"] for row in result["wakeup"]]
    return caption(result, "wakeup") + grid(["from one process to another", "p50 us", "p99 us"], rows)


def wake_crowd(result):
    rows, numbers = {}, sorted({row["sleepers"] for row in result["wake-crowd"]})
    for row in result["wake-crowd"]:
        both = f"{us(row['ring_us']['p50'])} / {us(row['last_awake_us']['p50'])}"
        rows.setdefault(row["way"], {})[row["sleepers"]] = both
    head = ["ringing / last awake, us, p50; sleepers:"] + [str(n) for n in numbers]
    return caption(result, "wake-crowd") + grid(head, [[way] + [cells[n] for n in numbers] for way, cells in rows.items()])


def host_wait(result):
    rows, works = {}, sorted({row["work_ms"] for row in result["host-wait"]})
    for row in result["host-wait"]:
        rows.setdefault(row["way"], {})[row["work_ms"]] = f"{us(row['wall_us']['p50'])} / {us(row['cpu_us']['p50'])}"
    head = ["wall / processor, us, p50; work of about"] + [f"{w} ms" for w in works]
    return caption(result, "host-wait") + grid(head, [[way] + [cells[w] for w in works] for way, cells in rows.items()])


def flood(result):
    rows = [[row["weather"], us(row["p50"]), us(row["p99"]), f"{row['p99_ratio_to_calm']:.2f}", f"{row['questions']:,}",
             f"{row['wrong_frames']} of {row['n']:,}"] for row in result["flood"]]
    return caption(result, "flood") + grid(["", "p50 us", "p99 us", "p99 over calm's", "messages", "frames wrong"], rows)


def library(result):
    rows = []
    for bench in result["library"]:
        name = bench["name"].split("/iterations")[0].replace("/manual_time", "").replace("/real_time", "")
        p50, p99 = ((f"{bench[k]:,.0f}" for k in ("p50_ns", "p99_ns")) if "p50_ns" in bench
                    else (f"{bench['real_time']:,.0f} {bench['time_unit']}, mean", "-"))
        rows.append([name, p50, p99])
    return caption(result, "library") + grid(["call", "p50 ns", "p99 ns"], rows)


def tables_of_all(kind, results):
    """Of every machine on which the parts of next-step that @p kind shows were measured."""
    found = [table(kind, result) for result in results.values()
             if any(kind in size for size in result.get("next-step", []))]
    return [line for i, lines in enumerate(found) for line in [""] * (i > 0) + lines] or ["Not measured yet."]


def table(kind, result):
    return globals()[kind.replace("-", "_")](result)

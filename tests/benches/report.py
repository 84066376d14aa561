"""The printed tables: a summary with a line for each row, and all numbers."""

import pathlib
import re

from rows import FLOORS

BEGIN, END = "<!-- results: written by tests/benches/run.py --docs -->\n", "<!-- results: end -->\n"


def summary(results):
    lines = ["| work | ours s | best peer s | ratio | goals |", "|-|-:|-:|-:|-|"]
    for result in results:
        if "skipped" in result:
            lines.append(f"| {result['title']} | | | | not measured: {result['skipped']} |")
            continue
        contenders = result["contenders"]
        ours = contenders["ours"].get("wall_s")
        times = {name: entry["wall_s"] for name, entry in contenders.items() if name != "ours" and name not in FLOORS and "wall_s" in entry}
        best = min(times, key=times.get) if times else None
        peer = f"{times[best]:.3f} ({best})" if best else ""
        ratio = f"{times[best] / ours:.2f}" if best and ours else ""
        goals = "; ".join(f"{goal['text']}: {'**yes**' if goal['reached'] else 'no'} ({goal['shown']})" for goal in result["goals"])
        lines.append(f"| {result['title']} | {seconds(ours)} | {peer} | {ratio} | {goals} |")
    return "\n".join(lines)


def table(result):
    """All contenders of a row."""
    lines = [f"\n### {result['title']}\n"]
    if "skipped" in result:
        return "\n".join([*lines, f"Not measured: {result['skipped']}."])
    if "differ" in result:
        lines.append(f"THE RESULTS DIFFER: {result['differ']}\n")
    lines += ["| who | median s | best s | CPU s | peak MB | requests |", "|-|-:|-:|-:|-:|-:|"]
    for name, entry in result["contenders"].items():
        if "wall_s" not in entry:
            lines.append(f"| {name} | failed: {entry.get('errors', ['?'])[0]} | | | | |")
            continue
        requests = f"{entry['requests']:.0f}" if entry.get("requests") else ""
        peak = f"{entry['peak_bytes'] / 1e6:.0f}" if "peak_bytes" in entry else ""
        lines.append(f"| {name} | {entry['wall_s']:.3f} | {entry['best_s']:.3f} | {entry['cpu_s']:.3f} | {peak} | {requests} |")
    lines.append("")
    for goal in result["goals"]:
        lines.append(f"- {goal['text']}: {goal['shown']}: {'**reached**' if goal['reached'] else 'not reached'}")
    if result["again"]:
        lines.append(f"- runs made again because the host took cores from us: {result['again']}; of those that count it took at most {result['stolen']:.1%}")
    return "\n".join(lines)


def seconds(value):
    return "failed" if value is None else f"{value:.3f}"


def write_docs(path, text):
    """Puts `text` between the marks of a document."""
    document = pathlib.Path(path).read_text()
    if BEGIN not in document or END not in document:
        raise SystemExit(f"{path} has no marks for the results")
    marked = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    pathlib.Path(path).write_text(marked.sub(lambda _: f"{BEGIN}\n{text}\n\n{END}", document))

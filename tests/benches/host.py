"""What the host of a virtual machine takes from it while something is measured."""

import pathlib

STAT = pathlib.Path("/proc/stat")


class Watch:
    """From its making on: the share of all cores' time that the host gave to others (`steal`, proc(5)); 0 where it is not told."""

    def __init__(self):
        self.begun = times()

    def stolen(self):
        spent = [now - then for now, then in zip(times(), self.begun)]
        return spent[7] / sum(spent) if len(spent) > 7 and sum(spent) else 0.0


def times():
    """Ticks of all cores: user, nice, system, idle, iowait, irq, softirq, steal (what guests got is in user already)."""
    if not STAT.exists():
        return []
    return [int(ticks) for ticks in STAT.read_text().splitlines()[0].split()[1:9]]

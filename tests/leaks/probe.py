"""What a process holds, seen from outside by `/proc`: the same eyes for every contender."""

import os
import pathlib
import re


def sockets(pid, port):
    """TCP sockets of the process to a server's port, in whatever state: by inode, so the process's own only."""
    mine = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry)):
                mine.add(found[1])
        except FileNotFoundError:
            # Closed while it was looked at.
            continue
    held = set()
    # The kernel hands out its table in pieces, and a row may be missed while others go: two readings together.
    for table in [pathlib.Path(f"/proc/{pid}/net/{name}") for name in ("tcp", "tcp6") * 2]:
        # A machine without IPv6 has no second table.
        for row in table.read_text().splitlines()[1:] if table.exists() else ():
            fields = row.split()
            if int(fields[2].rpartition(":")[2], 16) == port and fields[9] in mine:
                held.add(fields[9])
    return len(held)


def threads(pid):
    """The names of the process's threads, sorted."""
    names = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            names.append((task / "comm").read_text().strip())
        except (FileNotFoundError, ProcessLookupError):
            # Ended while it was looked at.
            continue
    return sorted(names)

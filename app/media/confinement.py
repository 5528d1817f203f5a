"""What a process gives up before it opens a stranger's file (Linux): the network, and every other file.

Each step holds from then on, for its threads and children too, and cannot be taken back. What a system does
not know or forbids, an old kernel or a strict container, is left out; `python -m app doctor` tells.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# <linux/sched.h>
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

# <linux/landlock.h>; the numbers of these system calls are the same on every architecture
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION, BENEATH_PATH = 1, 1
WRITE_FILE, READ_FILE, MAKE_REG, TRUNCATE = 1 << 1, 1 << 2, 1 << 8, 1 << 14
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # since which version so many bits are rights to files
NETWORK_SINCE, SCOPES_SINCE = 4, 6
BIND_AND_CONNECT = 0b11  # TCP
SOCKETS_AND_SIGNALS = 0b11  # abstract sockets of other processes, signals to them
NO_NEW_PRIVILEGES = 38  # <linux/prctl.h>


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("path", ctypes.c_int32))


def leave_network() -> bool:
    """Go where there is no network at all; False where the system does not let us.

    For a process of one thread. It takes some 2 ms, so a server that forks does it once.
    """
    if sys.platform != "linux":
        return False
    # A new user namespace would take from root the right to read other users' files.
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER
    return _libc().unshare(flags) == 0


def leave_files(readable: Path, writable: Path) -> bool:
    """Keep one file to read and one folder to write new files in; False where the system cannot do that.

    Files that are open stay so. Newer kernels also refuse connections, and signals to other processes.
    """
    if sys.platform != "linux":
        return False
    libc = _libc()
    version = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION)
    if version < 1:
        return False
    bits = max(number for since, number in FILE_RIGHTS.items() if since <= version)
    ruleset = _Ruleset(
        files=(1 << bits) - 1,
        network=BIND_AND_CONNECT if version >= NETWORK_SINCE else 0,
        scopes=SOCKETS_AND_SIGNALS if version >= SCOPES_SINCE else 0,
    )
    rules = libc.syscall(CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), 0)
    if rules < 0:
        return False
    try:
        for path, rights in ((readable, READ_FILE), (writable, WRITE_FILE | MAKE_REG | TRUNCATE)):
            if path.exists() and not _allow(libc, rules, path, rights & ruleset.files):
                return False
        given_up = libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
        return given_up and libc.syscall(RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


def in_force() -> dict[str, bool]:
    """Which of the steps this system lets a process take: "network" and "files", tried in a new one."""
    tried = subprocess.run(
        [sys.executable, "-m", "app.media.confinement"], cwd=ROOT, capture_output=True, check=True
    )
    return json.loads(tried.stdout)


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> bool:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        beneath = _Beneath(rights, place)
        return libc.syscall(ADD_RULE, rules, BENEATH_PATH, ctypes.byref(beneath), 0) == 0
    finally:
        os.close(place)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    print(json.dumps({"network": leave_network(), "files": leave_files(ROOT, ROOT)}))

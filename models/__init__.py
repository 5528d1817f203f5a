"""What researchers touch: extractors, fusion methods, training. Never imports `app`."""

import os

# Said before torch is loaded. Its threads wait awake for each other, GNU OpenMP's for 300,000 turns (3 ms);
# beside another busy process the one that is awaited does not run, and each step of a network takes as long.
# With no turn at all (OMP_WAIT_POLICY=PASSIVE) a network takes 1.7 times as long on an idle machine.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

"""Time stamps of picture and sound -> seconds on one clock that runs on, whatever the stamps do.

Recordings that are joined byte by byte begin anew at 0; a broadcast's counter wraps; a recorder's clock is
set while it runs. Such jumps are closed up, by the same shift in both streams, so that they stay in step. A
pause in one stream while the other goes on is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

BACK = 0.2  # s by which a stamp may lie before the last one
FORWARD = 10.0  # s; where neither stream has anything for longer, the stamps jumped
SHORT = 1 / 25  # s; a frame of unknown length
INTERLEAVING = 5.0  # s by which one stream of a file may run ahead of the other


@dataclass
class Track:
    """One stream's place on the clock, in seconds."""

    begun: bool = False  # it has had a frame
    first: float = 0.0  # start of the first frame
    last: float = 0.0  # start of the last frame
    end: float = -math.inf  # the latest end of a frame; a length beyond FORWARD is a jump, not believed
    reach: float = 0.0  # the same, for what is to come; a length beyond FORWARD counts as that long
    joined: bool = False  # the last frame was the first after a jump
    shift: int = 0  # which of the clock's shifts is in force
    stamps: list[float] = field(default_factory=list)  # s, least and greatest as the file has them, unshifted

    @property
    def read_until(self) -> float:
        """Seconds up to the end of the last frame, by the clock or by the greatest stamp: the longer."""
        by_clock = self.reach - self.first
        return max(by_clock, self.stamps[1] - self.stamps[0], self.stamps[1]) if self.stamps else by_clock


class Clock:
    """Places the frames of a file's picture and sound."""

    def __init__(self) -> None:
        self._shifts = [0.0]
        self._starts = [0.0]  # s on the clock, where each shift came into force

    def place(self, track: Track, other: Track | None, stamp: float | None, seconds: float) -> float:
        """The time of a frame of `track` that has this stamp, None for none, and lasts `seconds`."""
        other = other if other is not None and other.begun else None
        track.joined = False
        if stamp is None:
            time = track.reach if track.begun or other is None else other.first
        else:
            time = self._shifted(track, other, stamp)
            least, greatest = track.stamps or (stamp, stamp)
            track.stamps = [min(least, stamp), max(greatest, stamp + seconds)]
        if not track.begun:
            track.begun, track.first, track.reach = True, time, time
        track.last = time
        track.end = max(track.end, time + (seconds if seconds <= FORWARD else SHORT))
        track.reach = max(track.reach, time + min(seconds, FORWARD))
        return time

    def _shifted(self, track: Track, other: Track | None, stamp: float) -> float:
        """The shift in force, the next that another stream brought, or a new one: which runs on best."""
        if not track.begun and other is None:
            return stamp
        expected = track.reach if track.begun or other is None else other.reach
        before = track.shift
        newer = range(track.shift, len(self._shifts))
        track.shift = min(newer, key=lambda i: abs(stamp + self._shifts[i] - expected))
        time = stamp + self._shifts[track.shift]
        if self._jumps(track, other, time):
            time = self._start(track, other, before)
            self._shifts.append(time - stamp)
            self._starts.append(time)
            track.shift = len(self._shifts) - 1
        track.joined = track.begun and track.shift != before
        return time

    def _start(self, track: Track, other: Track | None, before: int) -> float:
        """Where a part begins: with the other stream's, or when both streams' last one is over."""
        if other is None:
            return track.end
        if not track.begun:
            return other.first
        return max(track.end, self._starts[other.shift] if other.shift > before else other.end)

    @staticmethod
    def _jumps(track: Track, other: Track | None, time: float) -> bool:
        if other is not None and not track.begun:
            return time - other.reach > FORWARD or other.first - time > FORWARD
        if time < track.last - BACK:
            return True
        goes_on = other is not None and other.last >= time - INTERLEAVING
        return time - track.reach > FORWARD and not goes_on

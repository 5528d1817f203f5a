"""Content is computed once, bounded in bytes, and gone with the sessions that asked for it."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest

from app.service.cache import Cancelled, FileDigests, SessionCache, nbytes
from models.media.clip import MediaError


def megabyte() -> np.ndarray:
    return np.zeros(1_000_000, np.uint8)


def never():
    raise AssertionError("it was kept and must not be computed again")


def test_threads_that_ask_together_compute_once():
    cache, computed, results = SessionCache(10_000_000), [], []
    everybody = threading.Barrier(8)

    def compute():
        time.sleep(0.05)
        computed.append(1)
        return megabyte()

    def ask(i):
        everybody.wait()
        results.append(cache.get("clip", f"session {i}", compute))

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(computed) == 1
    assert all(result is results[0] for result in results)


def test_one_who_cancels_does_not_cancel_those_who_wait():
    cache, begun, results = SessionCache(10_000_000), threading.Event(), []

    def cancelled():
        begun.set()
        time.sleep(0.1)
        raise Cancelled

    def cancel():
        with pytest.raises(Cancelled):
            cache.get("clip", "first", cancelled)

    threads = [threading.Thread(target=cancel)]
    threads += [
        threading.Thread(target=lambda i=i: results.append(cache.get("clip", f"{i}", megabyte)))
        for i in range(4)
    ]
    threads[0].start()
    begun.wait()
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(result is results[0] for result in results)


def test_different_content_is_computed_side_by_side():
    cache, both = SessionCache(1000), threading.Barrier(2, timeout=5)
    other = threading.Thread(target=cache.get, args=("a", "", both.wait))
    other.start()
    cache.get("b", "", both.wait)  # BrokenBarrierError if one waited for the other
    other.join()


def test_least_recently_used_is_dropped_within_the_bound():
    cache = SessionCache(2_500_000)
    for key in ("old", "new"):
        cache.get(key, "s", megabyte)
    cache.get("old", "s", never)
    cache.get("newest", "s", megabyte)
    assert cache.bytes == 2_000_000
    cache.get("old", "s", never)
    recomputed = []
    cache.get("new", "s", lambda: recomputed.append(1))
    assert recomputed


def test_what_is_larger_than_the_cache_is_returned_but_not_kept():
    cache = SessionCache(500_000)
    assert cache.get("clip", "s", megabyte).nbytes == 1_000_000
    assert cache.bytes == 0


def test_forget_drops_what_no_other_session_uses():
    cache = SessionCache(10_000_000)
    cache.get("mine", "a", megabyte)
    cache.get("ours", "a", megabyte)
    cache.get("ours", "b", never)
    cache.forget("a")
    assert len(cache) == 1
    cache.get("ours", "b", never)
    cache.forget("b")
    assert (len(cache), cache.bytes) == (0, 0)


def test_a_session_that_leaves_while_waiting_keeps_nothing():
    cache = SessionCache(10_000_000)

    def leave_meanwhile():
        cache.forget("a")
        return megabyte()

    assert cache.get("clip", "a", leave_meanwhile).nbytes == 1_000_000
    assert len(cache) == 0


def test_failure_reaches_everybody_and_is_tried_again():
    cache = SessionCache(1000)

    def fail():
        raise MediaError("damaged", "damaged")

    for _ in range(2):
        with pytest.raises(MediaError):
            cache.get("clip", "a", fail)
    assert cache.get("clip", "a", lambda: "worked") == "worked"


def test_bytes_count_nested_arrays():
    assert nbytes({"a": [megabyte(), (megabyte(), None)]}) >= 2_000_000


def test_digest_follows_content(tmp_path):
    digests = FileDigests()

    def digest(path):
        return digests.of(path, "somebody")

    first, second = tmp_path / "a.mp4", tmp_path / "b.mp4"
    first.write_bytes(b"one")
    second.write_bytes(b"one")
    assert digest(first) == digest(second)
    before = digest(first)
    first.write_bytes(b"two")
    os.utime(first, ns=(1, 1))  # a coarse clock must not hide the change
    assert digest(first) != before


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MediaError, match=r"no file clip\.mp4"):
        FileDigests().of(tmp_path / "clip.mp4", "")

"""Words in their places, and contributions that do not depend on being computed together."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from app.service.analyst import Analyst
from app.service.occlusion import (
    FEWEST_WINDOWS,
    MOST_PARTS,
    MOST_READ,
    contributions,
    parts_of_words,
    window_for,
    without_each,
)
from app.service.query import Query
from app.service.timeline import loudness_of, parts_of, read_timeline
from app.service.word_timing import KNOWN, ORDERED, SPREAD, seconds_of, timed_words
from app.settings import Settings
from app.ui.tabs.timeline import draw
from models.checkpoint import subset_name
from models.extractors.vision import EMOTIONS
from models.media.clip import SAMPLE_RATE
from models.registry import FUSION_MODELS
from models.types import MODALITIES, Features, Modality
from tests.app.conftest import TinyProfile

TEXT, AUDIO, VISION = MODALITIES
SENTENCE = "so that was a really fine film"
SUBSETS = pytest.mark.parametrize("used", Modality.subsets(), ids=subset_name)


def read_ids(ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Text states that depend on the words' neighbours, as a language model's do."""
    valid = torch.arange(ids.shape[1]) < lengths[:, None]
    context = (ids * valid).sum(1, keepdim=True) / lengths[:, None]
    return torch.sin((ids + context)[..., None] * torch.arange(1, TinyProfile.dims[TEXT] + 1) / 50)


@pytest.fixture
def profile() -> TinyProfile:
    """TinyProfile that can read ids again."""
    tiny = TinyProfile()
    tiny.text = SimpleNamespace(states=read_ids)
    return tiny


@pytest.fixture(scope="module")
def analyst(checkpoints) -> Analyst:
    """One for all tests here: the clip is decoded once."""
    return Analyst(Settings(device="cpu", checkpoints=checkpoints), TinyProfile())


@pytest.fixture
def open_clip(analyst, write_clip):
    """open_clip(method, used): two seconds of everything, its words typed."""

    def open_clip(method: str = "lmf", used=MODALITIES, text: str = SENTENCE):
        return analyst.open(Query(video=write_clip(seconds=2.0), text=text, method=method, modalities=used))

    return open_clip


def alone(utterance, checkpoint, used, part) -> float:
    """The score without one part, from a batch of nothing else."""
    features = utterance.features.only(used)
    row = without_each(features, [part], read_ids).select(torch.tensor([1]))
    with torch.inference_mode():
        return checkpoint.model(row).score.item()


@pytest.mark.parametrize("method", FUSION_MODELS)
def test_contributions_of_one_batch_are_those_of_one_at_a_time(method, open_clip):
    utterance, checkpoint, used = open_clip(method)
    parts, _ = parts_of(utterance, used, timed_words(utterance), 2.0)
    score, values = contributions(checkpoint.model, utterance.features, parts, read_ids)
    assert {part.modality for part in parts} == set(MODALITIES)
    with torch.inference_mode():
        assert score == pytest.approx(checkpoint.model(utterance.features).score.item(), abs=1e-5)
    for part, value in zip(parts, values, strict=True):
        assert value == pytest.approx(score - alone(utterance, checkpoint, used, part), abs=1e-5)


def test_a_word_goes_with_its_token_ids_and_the_rest_is_read_again(open_clip):
    utterance, _, _ = open_clip()
    words, text = timed_words(utterance).words, utterance.features.text
    rows = without_each(utterance.features, parts_of_words(words, 7), read_ids)
    ids = text.ids[0].tolist()
    for word in range(7):
        left = rows.text.ids[word + 1, :6].tolist()
        assert left == ids[:word] + ids[word + 1 :]
        again = read_ids(torch.tensor([left]), torch.tensor([6]))[0]
        torch.testing.assert_close(rows.text.values[word + 1, :6], again)
    torch.testing.assert_close(rows.text.values[0], text.values[0])
    assert rows.text.lengths.tolist() == [7] + 7 * [6]
    assert torch.equal(rows.audio.values[3, :8], utterance.features.audio.values[0])


def test_the_only_word_takes_its_modality_with_it(open_clip, analyst):
    both, _, used = open_clip(used=(TEXT, AUDIO), text="good")
    features = both.features.only(used)
    part = parts_of_words(timed_words(both).words, 1)
    assert without_each(features, part, read_ids).present()[1].tolist() == [False, True, False]
    only, checkpoint, _ = analyst.open(Query(text="good", method="mfn"))
    assert contributions(checkpoint.model, only.features, part, read_ids)[1] == [None]


@SUBSETS
def test_every_subset_has_a_timeline_of_what_it_uses(used, open_clip, profile):
    opened = open_clip("mfn", used)
    timeline = read_timeline(*opened, profile)
    assert set(timeline.contributions) == set(used)
    assert timeline.seconds == pytest.approx(2.0, abs=0.2)
    assert [word.text for word in timeline.spoken.words] == SENTENCE.split()  # shown though pulled out
    for modality, parts in timeline.contributions.items():
        assert len(parts) == 7 if modality is TEXT else len(parts) in (4, 5)  # AAC pads the end
        starts = [part.start for part in parts]
        assert starts == sorted(starts)
        assert all(np.isfinite(part.value) for part in parts)
    assert timeline.face.emotions[0] in EMOTIONS
    assert_drawn(timeline, opened[0])


@pytest.mark.parametrize("method", ["lmf", "mfn", "lrcmt", "tfr_net"])
def test_words_alone_stand_in_their_order(method, analyst, profile):
    opened = analyst.open(Query(text="not <b>good", method=method))
    timeline = read_timeline(*opened, profile)
    assert (timeline.seconds, timeline.spoken.timing) == (None, ORDERED)
    assert [(word.start, word.end) for word in timeline.spoken.words] == [(0, 1), (1, 2)]
    assert timeline.pitch is timeline.loudness is timeline.voice is timeline.face is None
    html = assert_drawn(timeline, opened[0], player="")
    assert "<button" not in html
    assert "&lt;b&gt;good" in html


def test_a_voice_alone_has_no_words_and_no_face(analyst, write_clip, profile):
    opened = analyst.open(Query(audio=write_clip(brightness=None, seconds=2.0), text="", method="mla"))
    timeline = read_timeline(*opened, profile)
    assert list(timeline.contributions) == [AUDIO]
    assert (timeline.spoken.words, timeline.face) == ([], None)
    assert len(timeline.voice.times) == 8
    assert_drawn(timeline, opened[0], player="recording")


def assert_drawn(timeline, utterance, player: str = "clip") -> str:
    """The panel shows it in both languages, every word as often as it was said."""
    for language in ("zh-CN", "en"):
        html = draw(timeline, utterance, player, language)
        assert html.count("data-start=") == len(timeline.spoken.words)
        assert "nan" not in html
    return html


def reading_of(open_clip, times: torch.Tensor | None):
    """A reading whose words have these times, and whose voice lasts from 0.4 to 1.6 s."""
    reading = open_clip()[0]
    edges = torch.linspace(0.4, 1.6, 9)
    features = Features(
        text=replace(reading.features.text, times=times),
        audio=replace(reading.features.audio, times=torch.stack([edges[:-1], edges[1:]], dim=1)[None]),
        vision=reading.features.vision,
    )
    return replace(reading, features=features)


def test_recognised_words_stand_where_they_were_heard(open_clip):
    starts = torch.tensor([0.4, 0.5, 0.6, 0.9, 1.0, 1.2, 1.3])
    times = torch.stack([starts, starts + 0.1], dim=1)[None]
    spoken = timed_words(reading_of(open_clip, times))
    assert spoken.timing == KNOWN
    assert [word.start for word in spoken.words] == pytest.approx(starts.tolist())
    assert [word.end for word in spoken.words] == pytest.approx((starts + 0.1).tolist())


def test_typed_words_are_spread_over_the_voice(open_clip):
    reading = reading_of(open_clip, None)
    spoken = timed_words(reading)
    assert spoken.timing == SPREAD
    starts = np.array([word.start for word in spoken.words])
    assert starts[0] == pytest.approx(0.4)
    assert spoken.words[-1].end == pytest.approx(1.6)
    np.testing.assert_allclose(np.diff(starts), 1.2 / 7, atol=1e-6)
    assert seconds_of(reading) == pytest.approx(2.0, abs=0.2)


def test_pieces_of_a_word_are_one_word_and_unread_words_are_left_out(open_clip):
    reading = open_clip()[0]
    spans = ((0, 0), (0, 2), (3, 5), (5, 7), (0, 0))  # [CLS] so | tha ##t | [SEP], and no more was read
    transcript = replace(reading.transcript, text="so that was")
    words = timed_words(replace(reading, transcript=transcript, token_spans=spans)).words
    assert [(word.text, list(word.tokens)) for word in words] == [("so", [1]), ("that", [2, 3])]


def test_two_minutes_of_speech_stay_within_bounds(open_clip):
    for words in (0, 13, 94):
        for tracks in (1, 2):
            windows = tracks * np.ceil(120 / window_for(120.0, tracks, words))
            assert windows + words <= max(MOST_PARTS, words + FEWEST_WINDOWS)
    assert window_for(4.0, 2, 13) == 0.5
    word = timed_words(open_clip()[0]).words[0]
    many = [replace(word, tokens=range(i, i + 1)) for i in range(1, 95)]
    parts = parts_of_words(many, 96)
    assert len(parts) * 96 <= MOST_READ
    assert np.array_equal(np.sum([part.states for part in parts], axis=0), [0, *94 * [1], 0])
    assert len(parts_of_words([replace(word, tokens=range(i, i + 1)) for i in range(1, 399)], 400)) >= 6


@pytest.mark.parametrize("samples", [SAMPLE_RATE, 15 * SAMPLE_RATE + 5])
def test_pitch_and_loudness_are_those_of_the_tone(samples, open_clip, profile):
    tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(samples) / SAMPLE_RATE).astype(np.float32)
    tone[: SAMPLE_RATE // 4] = 0  # silence has no pitch
    utterance, checkpoint, used = open_clip()
    pitch = read_timeline(replace(utterance, waveform=tone), checkpoint, used, profile).pitch
    assert np.nanmedian(pitch.values) == pytest.approx(220, rel=0.02)
    assert np.isnan(pitch.values[pitch.times < 0.24]).all()
    loudness = loudness_of(tone)
    assert loudness.values[40] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.3)
    assert loudness.values[0] == pytest.approx(-100)


def test_a_clip_without_a_recording_has_no_curves(open_clip, profile):
    utterance, checkpoint, used = open_clip()
    timeline = read_timeline(replace(utterance, waveform=None), checkpoint, used, profile)
    assert timeline.pitch is None
    assert timeline.loudness is None

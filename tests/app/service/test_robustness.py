"""Noise on purpose: what it leaves alone, what it hits, and who is told when it cannot be tried."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from app.service.perturbations import KINDS, perturb_faces, perturb_voice, perturb_words, plain_words
from app.service.query import AnalysisError, Query
from app.service.robustness import STRENGTHS, measure_robustness, perturbed, usable_kinds
from app.service.subsets import score_subsets
from models.media.clip import Word
from models.registry import FUSION_MODELS
from models.types import MODALITIES, Modality
from tests.app.conftest import TinyProfile

SAID = "it was not the best film of the year but i really liked it"
CROPS = np.random.default_rng(3).integers(0, 255, (4, 48, 48), dtype=np.uint8)


class SeeingProfile(TinyProfile):
    """As `TinyProfile`, and sees how bright a crop is."""

    def embed_faces(self, track):
        return self._states(Modality.VISION, [float(crop.mean()) / 255 for crop in track.crops])


@pytest.fixture
def profile() -> SeeingProfile:
    return SeeingProfile()


@pytest.fixture
def under_perturbation(analyst, profile, write_clip):
    """Opens a clip with the words SAID and stresses it."""

    def ask(kind: str, used=MODALITIES, seed: int = 1, text: str = SAID, clip: bool = True):
        utterance, _, used = analyst.open(
            Query(video=write_clip() if clip else None, text=text, modalities=used)
        )
        return (
            utterance,
            used,
            measure_robustness(utterance, used, profile, analyst.checkpoint, FUSION_MODELS, kind, seed),
        )

    return ask


@pytest.mark.parametrize("kind", KINDS)
def test_untouched_is_what_every_method_says_anyway(analyst, under_perturbation, kind):
    modality = KINDS[kind].modality
    for used in (MODALITIES, (modality,)):
        utterance, _, found = under_perturbation(kind, used)
        assert list(found.curves) == list(FUSION_MODELS)
        for method, curve in found.curves.items():
            said = score_subsets(analyst.checkpoint(method).model, utterance.features, used)
            assert curve[0] == pytest.approx(said.score, abs=1e-5), method
            assert len(curve) == len(STRENGTHS)


def test_strength_0_changes_nothing_at_all():
    voice = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
    for kind, spec in KINDS.items():
        if spec.modality is Modality.TEXT:
            assert perturb_words(SAID.split(), kind, 0.0, 1) == SAID.split()
        elif spec.modality is Modality.AUDIO:
            assert (perturb_voice(voice, kind, 0.0, 1) == voice).all()
        else:
            assert (perturb_faces(CROPS, kind, 0.0, 1) == CROPS).all()


def test_dropping_every_word_is_pulling_the_fuse(analyst, under_perturbation):
    utterance, used, found = under_perturbation("drop")
    for method, curve in found.curves.items():
        said = score_subsets(analyst.checkpoint(method).model, utterance.features, used)
        assert curve[-1] == pytest.approx(said.by_subset[Modality.AUDIO, Modality.VISION], abs=1e-5), method
        assert len({round(score, 6) for score in curve}) > 2, method


def test_without_a_word_and_without_anything_else_there_is_no_score(under_perturbation):
    _, _, found = under_perturbation("drop", text="quite good", clip=False)
    assert all(curve[-1] is None and None not in curve[:3] for curve in found.curves.values())


def test_the_seed_alone_decides(under_perturbation):
    first, again, other = (under_perturbation("drop", seed=seed)[2] for seed in (5, 5, 6))
    assert first == again
    assert first.curves != other.curves
    words = SAID.split()
    assert perturb_words(words, "replace", 0.6, 5) != perturb_words(words, "replace", 0.6, 6)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_a_stronger_hit_hits_all_that_a_weaker_one_hits(seed):
    words, voice = SAID.split(), np.ones(40_000, np.float32)
    for weak, strong in pairwise(STRENGTHS):
        for kind in ("drop", "replace"):
            less, more = perturb_words(words, kind, weak, seed), perturb_words(words, kind, strong, seed)
            for word, before, after in zip(words, less, more, strict=True):
                assert before in (word, after)
        less, more = (perturb_voice(voice, "mute", strength, seed) == 0 for strength in (weak, strong))
        assert more[less].all() and more.sum() > less.sum()
        less, more = (perturb_faces(CROPS, "cover", strength, seed) != CROPS for strength in (weak, strong))
        assert more[less].all() and more.sum() > less.sum()


def test_replacements_are_our_own_plain_words_and_never_the_word_itself():
    words = list(plain_words())
    replaced = perturb_words(words, "replace", 1.0, 3)
    assert set(replaced) <= set(words)
    assert all(now != was for was, now in zip(words, replaced, strict=True))


@pytest.mark.parametrize("strength", STRENGTHS[1:])
def test_noise_has_the_ratio_that_it_is_said_to_have(strength):
    voice = (0.1 * np.sin(np.arange(80_000) / 9)).astype(np.float32)
    noise = (perturb_voice(voice, "noise", strength, 1) - voice).astype(np.float64)
    ratio = 10 * np.log10(np.mean(voice.astype(np.float64) ** 2) / np.mean(noise**2))
    assert ratio == pytest.approx(KINDS["noise"].amount(strength), abs=0.1)
    assert KINDS["noise"].amount(1.0) == -10


def test_faces_lose_detail_light_and_room():
    blurred, dark, covered = (perturb_faces(CROPS, kind, 0.6, 0) for kind in ("blur", "darken", "cover"))
    assert blurred.std() < 0.2 * CROPS.std()
    assert dark.max() <= 255 / 2**3.6 + 1
    assert (covered == 128).mean() == pytest.approx(0.6, abs=0.03)
    assert all(
        picture.shape == CROPS.shape and picture.dtype == np.uint8 for picture in (blurred, dark, covered)
    )


def test_recognised_words_keep_their_times(analyst, profile, monkeypatch, write_clip):
    from app.media.speech import Recogniser
    from app.service.analysis import Transcript

    words = tuple(Word(text, i / 10, i / 10 + 0.1) for i, text in enumerate(SAID.split()))
    heard = Transcript(SAID, "whisper", words)
    monkeypatch.setattr(Recogniser, "transcribe", lambda *_: heard)
    utterance, _, used = analyst.open(Query(video=write_clip()))
    profile.timed.clear()
    measure_robustness(utterance, used, profile, analyst.checkpoint, ["lmf"], "drop", 1)
    assert profile.timed and set(profile.timed) < set(words)


def test_what_is_shown_is_what_is_judged(analyst, write_clip):
    utterance, _, used = analyst.open(Query(video=write_clip(), text=SAID))
    given = perturbed(utterance, used, "drop", 0.4, 2)
    assert [was for was, _ in given.words] == SAID.split()
    assert sum(now is None for _, now in given.words) == round(0.4 * len(SAID.split()))
    noisy = perturbed(utterance, used, "noise", 1.0, 2)
    assert noisy.log_mel.shape[0] == 80 and len(noisy.waveform) == len(utterance.waveform)
    covered = perturbed(utterance, used, "cover", 1.0, 2)
    assert (covered.crops == 128).all() and len(covered.crops) == len(covered.times)


@pytest.mark.parametrize("kind", KINDS)
def test_a_modality_that_is_not_in_use_cannot_be_disturbed(analyst, profile, write_clip, kind):
    modality = KINDS[kind].modality
    others = tuple(m for m in MODALITIES if m != modality)
    utterance, _, used = analyst.open(Query(video=write_clip(), text=SAID, modalities=others))
    assert kind not in usable_kinds(used)
    with pytest.raises(AnalysisError, match="switch it on") as refusal:
        measure_robustness(utterance, used, profile, analyst.checkpoint, FUSION_MODELS, kind, 1)
    assert {"text": "words", "audio": "voice", "vision": "face"}[modality] in str(refusal.value)

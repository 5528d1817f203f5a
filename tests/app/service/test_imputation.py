"""What stands in for a modality that is off or absent, over the shipped extractors and MFM."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from app.service.analyst import Analyst
from app.service.imputation import Wish, by_mfm
from app.service.imputation_rendering import EXAGGERATION, _arousal_rank, exaggerated
from app.service.query import Query
from app.settings import Settings
from models.checkpoint import CheckpointMeta, fusion_path, load_fusion, save_fusion, subset_name
from models.extractors.audio import RAVDESS_EMOTIONS, VALENCE
from models.extractors.melody import spread
from models.extractors.readers import PolarityReader
from models.extractors.valence import ravdess_valence
from models.features.utterances import Utterance
from models.registry import spec
from models.shipped.reconstruction import COLUMNS, Judges, measure_reconstruction
from models.tensors import CHECKPOINTS
from models.types import MODALITIES, Modality

TEXT, AUDIO, VISION = MODALITIES
CLIP = Path(__file__).resolve().parents[3] / "assets" / "examples" / "delight.mp4"
SAID = "I really loved this film."
PARTIAL = [subset for subset in Modality.subsets() if len(subset) < 3]


@pytest.fixture(scope="module")
def analyst(tmp_path_factory) -> Analyst:
    """The shipped weights, and untrained ones of TFR-Net."""
    root = tmp_path_factory.mktemp("shipped")
    (root / "local").mkdir()
    for path in (CHECKPOINTS / "local").iterdir():
        if path.stem != "tfr_net":
            (root / "local" / path.name).symlink_to(path)
    mfm = load_fusion("mfm").meta
    torch.manual_seed(3)
    model = spec("tfr_net").build({Modality(m): width for m, width in mfm.dims.items()})
    meta = CheckpointMeta(
        method="tfr_net",
        config=spec("tfr_net").config,
        profile="local",
        fingerprints=mfm.fingerprints,
        dims=mfm.dims,
        residual_quantiles=mfm.residual_quantiles,
    )
    save_fusion(fusion_path("tfr_net", root=root), model, meta)
    return Analyst(Settings(device="cpu", checkpoints=root))


def imagine(analyst, method="lmf", modalities=MODALITIES, **given):
    opened = analyst.open(
        Query(**given or {"video": CLIP, "text": SAID}, method=method, modalities=modalities)
    )
    return analyst.imaginer().imagine(*opened)


@pytest.mark.parametrize("used", PARTIAL, ids=subset_name)
@pytest.mark.parametrize("method", ["lmf", "mfm", "mfm_tfn", "tfr_net"])
def test_every_missing_part_is_imagined_and_made_visible(analyst, method, used):
    parts = imagine(analyst, method, used)
    methods = ["mfm", method] if method in ("mfm_tfn", "tfr_net") else ["mfm"]
    off = [m for m in MODALITIES if m not in used]
    assert [(part.modality, part.method) for part in parts] == [(m, by) for m in off for by in methods]
    for part in parts:
        steps = len(part.readings)
        assert part.given == used and part.spans.shape == (steps, 2)
        assert np.isfinite(part.readings).all() and abs(part.reading) < 6
        assert np.isfinite(part.truth.error) and part.truth.mean_error > 0
        assert np.isfinite(part.truth.reading) and len(part.truth.readings) == steps
        seen = [draw.picture is not None and draw.face is not None for draw in part.draws]
        assert {part.performance is not None, *seen} == {part.modality is VISION}
        assert (part.log_mel is not None) == (part.modality is AUDIO)
        assert len(part.draws) == (1 if part.method == "tfr_net" else 4)
        if part.modality is VISION:
            assert part.truth.crops.shape == (steps, 48, 48)
            assert all(draw.picture.shape == (128, 128, 3) for draw in part.draws)
            people = [draw.face.astype(float) for draw in part.draws]
            assert all(face.shape == (48, 48) for face in people)
            assert all(np.abs(one - other).mean() > 5 for one, other in combinations(people, 2))
        elif part.modality is AUDIO:
            assert np.isfinite(part.log_mel).all() and part.truth.log_mel.shape[1] > 100
            assert (part.melody is None) == (part.method == "tfr_net")
            mean = [part.melody] if part.melody else []
            for heard in (part.truth.melody, *mean, *(draw.melody for draw in part.draws)):
                assert np.abs(heard.hum).max() == pytest.approx(0.5) and len(heard.hum) <= 4 * 16_000
        else:
            assert part.truth.text == SAID
            assert (part.phrase is None) == (part.method == "tfr_net")
            mean = [part.phrase] if part.phrase else []
            said = [phrase.text for phrase in (*mean, *(draw.phrase for draw in part.draws))]
            assert len(set(said)) == len(said)


def test_with_everything_in_use_each_is_imagined_from_the_others(analyst):
    parts = imagine(analyst)
    assert [(part.modality, part.given) for part in parts] == [
        (TEXT, (AUDIO, VISION)),
        (AUDIO, (TEXT, VISION)),
        (VISION, (TEXT, AUDIO)),
    ]
    assert all(part.truth for part in parts)


def test_draws_are_several_and_their_readings_are_about_that_of_the_whole(analyst):
    face = imagine(analyst, modalities=[TEXT])[1]
    readings = [draw.reading for draw in face.draws]
    assert np.std(readings) > 0.01 and min(readings) - 0.5 < face.reading < max(readings) + 0.5
    utterance, checkpoint, used = analyst.open(Query(video=CLIP, text=SAID, modalities=[TEXT]))
    again = analyst.imaginer().imagine(utterance, checkpoint, used, Wish(seed=1))[1]
    assert [draw.reading for draw in again.draws] != readings


def test_what_is_imagined_follows_the_shared_factor(analyst):
    """With the private factors held, more positive asked for is more positive imagined."""
    opened = analyst.open(Query(video=CLIP, text=SAID, modalities=[TEXT]))
    worst, best = (analyst.imaginer().imagine(*opened, Wish(score=score)) for score in (-2.5, 2.5))
    for negative, positive in zip(worst, best, strict=True):
        assert positive.reading > negative.reading + 0.1, positive.modality


@pytest.mark.parametrize("modality", [AUDIO, VISION])
def test_what_is_performed_is_exaggerated_about_the_middle_where_that_is_known(analyst, modality):
    known = analyst.checkpoint("mfm")
    features = analyst.open(Query(video=CLIP, text=SAID))[0].features
    imputed = by_mfm(known.model, features, (TEXT,))[modality]
    training = known.meta.training
    middle = torch.tensor(training["imagined_middle"][str(modality)])
    start = torch.tensor(training["middle_voice"]) if modality is AUDIO else middle
    clear = exaggerated(known, modality, imputed.draws)
    torch.testing.assert_close(clear.mean(0) - start, EXAGGERATION * (imputed.states - middle))
    apart = [draws[0] - draws[1] for draws in (clear, imputed.draws)]
    torch.testing.assert_close(*apart)  # draws differ as much as before
    assert torch.equal(exaggerated(analyst.checkpoint("tfr_net"), modality, imputed.draws), imputed.draws)


@pytest.mark.parametrize("modality", [AUDIO, VISION])
def test_delighted_and_let_down_words_are_performed_differently(analyst, modality):
    """So that a person sees it, and hears it: grey levels of the stand-in, semitones of the hum."""
    shown = []
    for said in ("I loved it, what a wonderful film!", "I hated it, what a horrible film."):
        parts = imagine(analyst, modalities=[TEXT], text=said)
        shown.append(next(part for part in parts if part.modality is modality))
    good, bad = shown
    assert good.reading > bad.reading + 0.3
    if modality is VISION:
        smiling, sad = (
            np.asarray(Image.open(BytesIO(part.performance)).convert("L"), float) for part in shown
        )
        mouths = np.s_[70:110, 35:95]
        assert np.abs(smiling - sad)[mouths].mean() > 10
    else:
        lively, flat = (spread(part.melody.melody.pitch[part.melody.melody.voiced]) for part in shown)
        assert lively > 1.5 * flat


def test_phrases_are_as_good_or_as_bad_as_what_was_imagined(analyst):
    part = imagine(analyst, modalities=[AUDIO, VISION])[0]
    for draw in (part, *part.draws):
        assert draw.phrase.score == pytest.approx(np.clip(draw.reading, -3, 3), abs=0.55)


@pytest.mark.parametrize(("calm", "roused"), [("sad", "angry"), ("calm", "happy")])
def test_phrases_are_as_aroused_as_the_voice_they_are_imagined_from(analyst, calm, roused):
    utterance, checkpoint, used = analyst.open(Query(video=CLIP, text=SAID, modalities=[AUDIO]))
    voice, found = utterance.features.audio, []
    for emotion in (calm, roused):
        values = voice.values.clone()
        values[..., : len(RAVDESS_EMOTIONS)] = torch.eye(len(RAVDESS_EMOTIONS))[
            RAVDESS_EMOTIONS.index(emotion)
        ]
        values[..., VALENCE] = ravdess_valence(emotion, "strong")
        features = replace(utterance.features, audio=replace(voice, values=values))
        found.append(analyst.imaginer().imagine(replace(utterance, features=features), checkpoint, used)[0])
    assert found[0].modality is TEXT and found[0].arousal_rank < 0.5 < found[1].arousal_rank
    bank, of_calm = analyst.imaginer().renderer.phrase_bank, found[0].phrase
    aroused = bank.nearest(torch.zeros(1, 769), 20, of_calm.score, found[1].arousal_rank)
    own = [bank.arousals[bank.texts.index(phrase.text)] for phrase in (of_calm, *aroused)]
    assert own[0] < np.mean(own[1:])


def test_words_imagined_without_a_voice_or_face_or_what_is_usual_have_no_arousal(analyst):
    features, known = analyst.open(Query(video=CLIP, text=SAID))[0].features, analyst.checkpoint("mfm")
    one, other, both = (
        _arousal_rank(known, features, given) for given in ((AUDIO,), (VISION,), (AUDIO, VISION))
    )
    assert both == pytest.approx((one + other) / 2) and 0 < one < 1
    assert _arousal_rank(known, features, (TEXT,)) is None
    assert _arousal_rank(known, features.only((TEXT,)), (AUDIO, VISION)) is None
    assert _arousal_rank(analyst.checkpoint("tfr_net"), features, (AUDIO,)) is None


def test_errors_and_readings_are_those_that_the_card_is_measured_by(analyst):
    model, readers = analyst.checkpoint("mfm").model, analyst.imaginer().readers
    features = analyst.open(Query(video=CLIP, text=SAID))[0].features
    bare = {m: s.values[0] for m, s in features}  # training items have no times
    item = Utterance(bare, 1.0, "clips", "speaker")
    judges = Judges(readers, {}, {}, [item])
    rows = measure_reconstruction(model, [item], model.dims, judges)["vision from text"]
    wanted = dict(zip(COLUMNS, rows[0], strict=True))
    untimed = type(features)(**{m: replace(s, times=None) for m, s in features})
    imputed = by_mfm(model, untimed, (TEXT,))[VISION]
    found = [
        imputed.error,
        imputed.mean_error,
        float(readers[VISION](imputed.states)),
        float(readers[VISION](imputed.true[imputed.observed])),
    ]
    names = ("error", "mean_error", "imagined", "real")
    np.testing.assert_allclose(found, [wanted[name] for name in names], atol=1e-4)


def test_what_is_pulled_out_is_not_looked_at(analyst):
    model, features = analyst.checkpoint("mfm").model, analyst.open(Query(video=CLIP, text=SAID))[0].features
    voice = features.audio
    blind = replace(features, audio=replace(voice, values=torch.full_like(voice.values, torch.nan)))
    seen, unseen = (by_mfm(model, each, (TEXT, VISION))[AUDIO].states for each in (features, blind))
    assert torch.equal(seen, unseen)


def test_only_a_voice_or_only_words_imagine_the_rest_without_a_truth(analyst):
    voice = CLIP.with_name("voice.mp3")
    words, face = imagine(analyst, audio=voice, text="")
    assert (words.modality, face.modality) == (TEXT, VISION)
    assert words.given == (AUDIO,) and words.truth is face.truth is None
    assert words.draws[0].phrase and face.draws[0].face.shape == (48, 48) and face.spans is not None
    heard, face = imagine(analyst, text=SAID)
    assert heard.truth is face.truth is None
    assert heard.spans is None  # typed words have no times
    assert heard.draws[0].melody.hum.size and heard.trust.clips > 100


def test_imagining_is_deterministic(analyst):
    first, second = (imagine(analyst, "tfr_net", [TEXT]) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.readings, other.readings)
        assert one.performance == other.performance
        for first, second in zip(one.draws, other.draws, strict=True):
            assert first.reading == second.reading and first.phrase == second.phrase
            assert first.melody is None or np.array_equal(first.melody.hum, second.melody.hum)


def test_trust_is_what_the_card_says(analyst):
    heard = imagine(analyst, modalities=[TEXT, VISION])[0]
    figures = analyst.checkpoint("mfm").meta.figures["imagined"]["clips"]["audio from text+vision"]
    assert (heard.trust.agreement, heard.trust.chance) == (figures["agreement"], figures["chance"])
    assert imagine(analyst, "tfr_net", [TEXT, VISION])[1].trust is None


def test_readings_are_taken_from_the_neutral_point():
    reader = PolarityReader(lambda states: states[..., 0].mean(-1), neutral=0.5)
    assert reader(torch.tensor([[[1.0], [2.0]], [[0.0], [0.0]]])).tolist() == [1.0, -0.5]


def test_an_answer_has_a_glimpse_of_what_is_missing(analyst):
    answer = analyst.analyze(Query(video=CLIP, text=SAID, modalities=[AUDIO]))
    assert list(answer.imagined) == ["text", "vision"]
    assert answer.imagined["text"].phrase and answer.imagined["vision"].face.shape == (48, 48, 3)
    said = json.loads(json.dumps(answer.to_json(), allow_nan=False))["imagined"]
    assert said["vision"].keys() == {"from", "reading", "phrase"} and said["vision"]["from"] == ["audio"]
    part = imagine(analyst, modalities=[AUDIO])[1]
    assert said["vision"]["reading"] == pytest.approx(part.reading, abs=1e-3)
    assert analyst.analyze(Query(video=CLIP, text=SAID)).imagined == {}


def test_tate_is_compared_with_its_teacher(analyst):
    def recover(method, modalities, **given):
        given = given or {"video": CLIP, "text": SAID}
        return analyst.imaginer().recover(*analyst.open(Query(**given, method=method, modalities=modalities)))

    (voice,) = recover("tate", [TEXT, VISION])
    assert voice.modality is AUDIO and voice.hidden > 0 and voice.shown > 0
    assert recover("tate", [TEXT], text=SAID) == []  # its teacher knows only complete clips
    assert recover("lmf", [TEXT]) is None


def test_without_mfm_everything_else_works(checkpoints, profile, write_clip):
    """The tiny profile has no renderer."""
    analyst = Analyst(Settings(device="cpu", checkpoints=checkpoints), profile)
    assert analyst.imaginer() is None
    answer = analyst.analyze(Query(video=write_clip(), text="good", modalities=["text"]))
    assert answer.imagined == {} and answer.to_json()["imagined"] == {}

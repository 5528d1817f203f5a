"""From files and words to an Analysis: what is computed when, and what the visitor is told."""

from __future__ import annotations

import json
import math
import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from app.media.speech import Recogniser
from app.service.analysis import LABELS, Notice, Transcript
from app.service.analyst import Analyst
from app.service.notices import LACKING
from app.service.query import AnalysisError, Query
from app.settings import Settings
from app.ui import words
from models.media.clip import SAMPLE_RATE, MediaError, Word
from models.registry import FUSION_MODELS
from models.types import MODALITIES, Modality

SAID = "i really liked it"


def codes(analysis) -> list[str]:
    return [notice.code for notice in analysis.notices]


def test_switching_and_other_methods_run_only_the_fusion(analyst, profile, decoded, write_clip):
    clip, stages = write_clip(), []
    analyst.analyze(Query(video=clip, text=SAID))
    extracted = list(profile.extracted)
    for method in FUSION_MODELS:
        for subset in Modality.subsets():
            analysis = analyst.analyze(
                Query(video=clip, text=SAID, method=method, modalities=subset), progress=stages.append
            )
            assert {name for name, ms in analysis.timings_ms.items() if ms > 0} == {"fusion"}
    assert (len(decoded), profile.extracted) == (1, extracted)
    assert set(stages) == {"fusing"}


def test_the_same_content_under_another_name_is_known(analyst, decoded, write_clip, tmp_path):
    clip = write_clip()
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    first, second = (analyst.analyze(Query(video=path, text=SAID)) for path in (clip, copy))
    assert len(decoded) == 1
    assert first.score == second.score


def test_corrected_words_read_only_the_words(analyst, profile, decoded, write_clip):
    clip = write_clip()
    analyst.analyze(Query(video=clip, text="it was god"))
    profile.extracted.clear()
    analyst.analyze(Query(video=clip, text="it was good"))
    assert (len(decoded), profile.extracted) == (1, ["text"])


def test_stages_are_told_as_they_begin(analyst, write_clip):
    stages = []
    analyst.analyze(Query(video=write_clip(), text=SAID), progress=stages.append)
    assert stages == ["decoding", "hearing voice", "watching face", "reading words", "fusing"]


def test_concurrent_visitors_with_one_clip_decode_it_once(analyst, profile, decoded, write_clip):
    clip, scores, everybody = write_clip(), [], threading.Barrier(4)

    def visit(i):
        everybody.wait()
        scores.append(analyst.analyze(Query(video=clip, text=SAID), session=str(i)).score)

    threads = [threading.Thread(target=visit, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(decoded) == 1
    assert sorted(profile.extracted) == ["audio", "text", "vision"]
    assert len(scores) == 4 and len(set(scores)) == 1


def test_forgotten_sessions_leave_nothing_and_take_nothing_from_others(analyst, decoded, write_clip):
    clip = write_clip()
    analyst.analyze(Query(video=clip, text=SAID), session="a")
    analyst.analyze(Query(video=clip, text=SAID), session="b")
    analyst.forget("a")
    analyst.analyze(Query(video=clip, text=SAID), session="b")
    assert len(decoded) == 1
    analyst.forget("b")
    analyst.analyze(Query(video=clip, text=SAID), session="b")
    assert len(decoded) == 2


def test_figures_of_a_full_clip_agree_with_each_other(analyst, write_clip):
    for method in FUSION_MODELS:
        analysis = analyst.analyze(Query(video=write_clip(), text=SAID, method=method))
        parts = analysis.modalities
        assert list(parts) == ["text", "audio", "vision"]
        assert all(part.present and part.used for part in parts.values())
        for name, part in parts.items():
            assert part.entropy == pytest.approx(-sum(p * math.log(p) for p in part.probabilities), abs=1e-5)
            alone = analyst.analyze(Query(video=write_clip(), text=SAID, method=method, modalities=[name]))
            assert part.score == pytest.approx(alone.score, abs=1e-5)
            others = [m for m in MODALITIES if m != name]
            without = analyst.analyze(Query(video=write_clip(), text=SAID, method=method, modalities=others))
            assert part.occlusion == pytest.approx(abs(analysis.score - without.score), abs=1e-5)
        mass = {name: math.exp(-part.entropy) for name, part in parts.items()}
        for name, part in parts.items():
            assert part.weight == pytest.approx(mass[name] / sum(mass.values()), abs=1e-5)
        assert analysis.label in LABELS and -3 <= analysis.score <= 3
        assert analysis.interval == (
            pytest.approx(max(-3, analysis.score - 0.7)),
            pytest.approx(min(3, analysis.score + 0.7)),
        )


def test_own_weights_are_the_method_s_and_entropy_weights_stay_mla_s(analyst, write_clip):
    mla = analyst.analyze(Query(video=write_clip(), text=SAID, method="mla"))
    lmf = analyst.analyze(Query(video=write_clip(), text=SAID, method="lmf"))
    assert (mla.weights_kind, lmf.weights_kind) == ("entropy", None)
    for name in ("text", "audio", "vision"):
        assert mla.modalities[name].own_weight == pytest.approx(mla.modalities[name].weight, abs=1e-6)
        assert lmf.modalities[name].own_weight is None
        assert lmf.modalities[name].weight == mla.modalities[name].weight


def test_a_modality_switched_off_has_no_score_but_is_still_there(analyst, write_clip):
    analysis = analyst.analyze(
        Query(video=write_clip(), text=SAID, method="late", modalities=["vision", "text"])
    )
    voice = analysis.modalities["audio"]
    assert voice.present and not voice.used
    assert (voice.score, voice.weight, voice.occlusion) == (None, None, None)
    assert voice.entropy is not None
    used = [analysis.modalities[name].weight for name in ("text", "vision")]
    assert sum(used) == pytest.approx(1)
    assert analysis.interval[1] - analysis.interval[0] == pytest.approx(1.2)  # the pair's own residuals


@pytest.mark.parametrize(
    ("brightness", "loudness", "present", "code"),
    [
        (200, None, {"text", "vision"}, "no_sound"),
        (200, 0.0, {"text", "vision"}, "no_voice"),
        (0, 0.5, {"text", "audio"}, "no_face"),
        (None, 0.5, {"text", "audio"}, "no_picture"),
    ],
)
def test_what_is_missing_is_said_and_the_rest_analysed(
    analyst, write_clip, brightness, loudness, present, code
):
    analysis = analyst.analyze(Query(video=write_clip(brightness, loudness), text=SAID))
    assert {name for name, part in analysis.modalities.items() if part.present} == present
    assert codes(analysis) == [code]
    again = analyst.analyze(Query(video=write_clip(brightness, loudness), text=SAID))
    assert codes(again) == [code]  # also from the cache


def test_words_alone(analyst):
    analysis = analyst.analyze(Query(text=SAID))
    assert analysis.transcript.source == "typed"
    assert analysis.modalities["text"].weight == pytest.approx(1)
    assert analysis.modalities["text"].occlusion is None
    assert codes(analysis) == ["modality_absent"]
    assert codes(analyst.analyze(Query(text=SAID, modalities=["text"]))) == []


def test_another_language_is_warned_about(analyst):
    analysis = analyst.analyze(
        Query(text="Ich fand den Film wirklich sehr schön und traurig", modalities=["text"])
    )
    assert codes(analysis) == ["not_english"]


def test_words_that_are_not_read_are_said(analyst):
    analysis = analyst.analyze(Query(text="so good " * 300, modalities=["text"]))
    assert codes(analysis) == ["long_text"]


def test_a_separate_audio_file_replaces_the_clip_s_sound(analyst, write_clip):
    quiet, loud = write_clip(200, 0.05), write_clip(None, 0.9)
    replaced = analyst.analyze(Query(video=quiet, audio=loud, text=SAID))
    alone = analyst.analyze(Query(audio=loud, text=SAID))
    assert replaced.modalities["audio"].score == pytest.approx(alone.modalities["audio"].score, abs=1e-6)
    assert replaced.modalities["vision"].present
    assert "no_picture" not in codes(alone)


def test_an_audio_file_without_sound_is_an_error(analyst, write_clip):
    with pytest.raises(MediaError, match="no sound"):
        analyst.analyze(Query(video=write_clip(), audio=write_clip(200, None), text=SAID))
    face = Query(video=write_clip(), audio=write_clip(200, None), text="", modalities="vision")
    assert analyst.analyze(face, only_asked=True).modalities["vision"].present


def test_a_long_clip_is_cut_and_says_so(checkpoints, profile, write_clip):
    short = Analyst(Settings(device="cpu", checkpoints=checkpoints, max_seconds=1.0), profile)
    analysis = short.analyze(Query(video=write_clip(seconds=2.0), text=SAID))
    assert codes(analysis) == ["truncated"]
    assert "1 second" in analysis.notices[0].text


@pytest.mark.parametrize("given", ["video", "audio"])
def test_a_damaged_clip_is_analysed_and_says_so(analyst, write_clip, tmp_path, given):
    path = tmp_path / "clip.mp4"
    stored = bytearray(write_clip().read_bytes())
    media = stored.index(b"mdat") + 8
    stored[media + 2000 : media + 4000] = bytes(2000)
    path.write_bytes(stored)
    assert "damaged_parts" in codes(analyst.analyze(Query(**{given: path}, text=SAID)))


def test_input_that_cannot_be_used_is_explained(analyst, write_clip, tmp_path):
    silent_dark = write_clip(0, None)
    fake = tmp_path / "notes.mp4"
    fake.write_text("these are my notes")
    for arguments, error, message in [
        ({}, AnalysisError, "give a clip, an audio file or words"),
        ({"text": "  "}, AnalysisError, "give a clip"),
        ({"text": SAID, "modalities": []}, AnalysisError, "switch on words, voice or face"),
        ({"text": SAID, "modalities": ["smell"]}, ValueError, "text, audio, vision"),
        ({"text": SAID, "method": "magic"}, ValueError, "lmf, tfn"),
        ({"text": SAID, "modalities": ["audio"]}, AnalysisError, "no voice; switch on words"),
        (
            {"video": write_clip(200, None), "text": SAID, "modalities": ["audio"]},
            AnalysisError,
            "no voice; switch on words or face",
        ),
        ({"video": silent_dark, "text": ""}, AnalysisError, "No face was found"),
        ({"video": tmp_path / "gone.mp4"}, MediaError, "no file gone.mp4"),
        ({"video": fake}, MediaError, "named .mp4"),
    ]:
        with pytest.raises(error, match=message):
            analyst.analyze(Query(**arguments))


def test_json_is_the_documented_object(analyst, write_clip):
    analysis = analyst.analyze(Query(video=write_clip(200, None), text=SAID, modalities=["text"]))
    answer = json.loads(json.dumps(analysis.to_json(), allow_nan=False))
    assert {"score", "label", "interval", "method", "transcript", "modalities", "timings_ms", "warnings"} <= (
        answer.keys()
    )
    assert answer["transcript"]["text"] == SAID and answer["transcript"]["source"] == "typed"
    assert list(answer["modalities"]) == ["text", "audio", "vision"]
    keys = {"present", "used", "entropy", "weight", "score", "occlusion"}
    assert all(keys <= part.keys() for part in answer["modalities"].values())
    assert answer["modalities"]["vision"]["weight"] is None
    assert answer["modalities"]["vision"]["score"] is None
    assert answer["modalities"]["audio"]["entropy"] is None
    assert len(answer["modalities"]["text"]["probabilities"]) == 7
    assert answer["warnings"] and all(isinstance(warning, str) for warning in answer["warnings"])
    assert set(answer["timings_ms"]) == {"decode", "speech", "text", "audio", "vision", "fusion"}


def test_methods_are_described_with_their_weights(analyst, checkpoints):
    described = analyst.methods()
    assert [method.spec.name for method in described] == list(FUSION_MODELS)
    for method in described:
        assert method.available and method.to_json()["parameters"] > 0
        assert method.checkpoint.endswith(f"local/{method.spec.name}.safetensors")
    json.dumps([method.to_json() for method in described])


def test_a_file_that_is_too_large_is_not_even_read(checkpoints, profile, decoded, tmp_path):
    large = tmp_path / "large.mp4"
    with large.open("wb") as file:
        file.truncate(2_000_000)
    small = Analyst(Settings(device="cpu", checkpoints=checkpoints, max_mb=1), profile)
    with pytest.raises(MediaError, match="2\\.0 MB; at most 1 MB"):
        small.analyze(Query(video=large, text=SAID))
    assert decoded == []


def test_silence_has_no_words_and_says_so(analyst, write_clip):
    analysis = analyst.analyze(Query(video=write_clip(200, 0.0)))
    assert analysis.transcript.text == ""
    assert codes(analysis) == ["no_voice", "no_speech"]


def write_beeps(path: Path, seconds: float = 2.0) -> Path:
    """A 1 kHz tone, on for 0.4 s of every second."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    samples = 16_000 * np.sin(2 * np.pi * 1000 * time) * (time % 1 < 0.4)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(samples.astype(np.int16).tobytes())
    return path


def test_no_score_is_made_of_beeps(analyst, write_clip, tmp_path, monkeypatch):
    monkeypatch.setattr(Recogniser, "transcribe", lambda *_: Transcript("Thank you.", "whisper"))
    beeps = write_beeps(tmp_path / "beeps.wav")
    with pytest.raises(AnalysisError, match="Nobody speaks in the sound") as refused:
        analyst.analyze(Query(audio=beeps))
    assert refused.value.code == "nothing_present"
    with pytest.raises(AnalysisError, match="has no voice; switch on words"):
        analyst.analyze(Query(audio=beeps, text=SAID, modalities=["audio"]))
    for given in ({"text": SAID}, {"video": write_clip(200, None)}):
        analysis = analyst.analyze(Query(audio=beeps, **given))
        assert not analysis.modalities["audio"].present
        assert "nobody_speaks" in codes(analysis) and "no_speech" not in codes(analysis)
        assert analysis.transcript.text == given.get("text", "")
    transcript, told = analyst.transcribe(audio=beeps)
    assert transcript.text == "" and [notice.code for notice in told] == ["nobody_speaks"]


def test_nothing_is_denied_of_the_part_that_was_not_read(checkpoints, profile, write_clip, tmp_path):
    short = Analyst(Settings(device="cpu", checkpoints=checkpoints, max_seconds=1.0), profile)
    silent = write_clip(0, 0.0, 2.0)
    with pytest.raises(AnalysisError) as refused:
        short.analyze(Query(video=silent))
    told = str(refused.value)
    assert refused.value.code == "nothing_present_within"
    assert "only the first 1 are used" in told and "first 1 seconds of the picture" in told
    chinese = words.error(refused.value.code, told, refused.value.values, words.CHINESE)
    assert "只使用前 1 秒" in chinese and "前 1 秒的画面中没有找到面部" in chinese and "{" not in chinese
    with pytest.raises(AnalysisError, match="first 1 seconds are used, and they have no voice or face"):
        short.analyze(Query(video=silent, text=SAID, modalities=["audio", "vision"]))
    notices = short.analyze(Query(video=silent, text=SAID)).notices
    assert [notice.code for notice in notices] == ["truncated", "no_voice_within", "no_face_within"]
    for part in (write_clip(0, None, 2.0), write_beeps(tmp_path / "beeps.wav")):
        given = {"video" if part.suffix == ".mp4" else "audio": part}
        for notice in short.analyze(Query(**given, text=SAID)).notices:
            assert notice.code in ("truncated", "modality_absent") or "first 1 seconds" in notice.text


def test_every_notice_and_error_of_a_clip_speaks_chinese():
    for code, (_, part) in LACKING.items():
        assert "{seconds:g}" in part
        for name in (code, f"{code}_within"):
            notice = Notice(name, part, {"seconds": 120.0})
            assert "{" not in words.notice(notice, words.CHINESE) != part


def test_the_extractors_get_the_times_of_recognised_words(analyst, profile, write_clip, monkeypatch):
    timed = (Word("hello", 0.1, 0.4), Word("there", 0.5, 0.9))
    heard = Transcript("hello there", "whisper", words=timed)
    monkeypatch.setattr(Recogniser, "transcribe", lambda *_: heard)
    clip = write_clip()
    assert analyst.analyze(Query(video=clip)).transcript == heard
    assert profile.timed == list(timed)
    analyst.analyze(Query(video=clip, text="hello there"))  # typed: nobody knows when it was said
    assert profile.timed == list(timed)
    assert profile.extracted.count("text") == 2


TRANSLATION = Transcript("i liked it", "whisper", language="de", original="ich mochte es")


def test_a_translation_is_told_and_widens_the_interval_of_words(analyst, write_clip, monkeypatch):
    monkeypatch.setattr(Recogniser, "transcribe", lambda *_: TRANSLATION)
    monkeypatch.setattr("app.service.subsets.TRANSLATED", 0.25)
    clip = write_clip()
    translated = analyst.analyze(Query(video=clip))
    typed = analyst.analyze(Query(video=clip, text=TRANSLATION.text))
    assert translated.to_json()["transcript"] == {
        "text": "i liked it",
        "source": "whisper",
        "words": [],
        "language": "de",
        "original": "ich mochte es",
    }
    assert (codes(translated), codes(typed)) == (["translated"], [])
    assert "German" in translated.notices[0].text
    assert "德文" in words.notice(translated.notices[0], words.CHINESE)
    assert translated.score == typed.score
    for name, part in translated.subsets.items():
        low, high = typed.subsets[name].interval
        wider = 0.25 if "text" in name else 0.0
        assert part.interval == pytest.approx((max(-3, low - wider), min(3, high + wider)))
    assert translated.interval == translated.subsets["text+audio+vision"].interval
    told = analyst.transcribe(video=clip)
    assert (told[0], [notice.code for notice in told[1]]) == (TRANSLATION, ["translated"])


@pytest.mark.parametrize("english", [True, False])
def test_only_for_a_text_encoder_of_english_is_anything_translated(
    analyst, profile, write_clip, monkeypatch, english
):
    asked = []

    def hear(_, sound, encoded, translate):
        asked.append(translate)
        return TRANSLATION if translate else Transcript("ich mochte es", "whisper", language="de")

    monkeypatch.setattr(Recogniser, "transcribe", hear)
    profile.english = english
    analysis = analyst.analyze(Query(video=write_clip()))
    assert asked == [english]
    assert ("translated" in codes(analysis)) == english


@pytest.mark.shared
def test_speech_is_recognised_once_and_typed_words_win(analyst):
    clip = Path(__file__).resolve().parents[4] / "shared/data/clips/video/03bSnISJMiM_1.mp4"
    if not clip.exists():
        pytest.skip("../shared/data/clips is not here")
    stages = []
    heard = analyst.analyze(Query(video=clip), progress=stages.append)
    assert "listening" in stages and heard.timings_ms["speech"] > 0
    assert heard.transcript.text and heard.transcript.words
    assert analyst.analyze(Query(video=clip)).timings_ms["speech"] == 0
    assert analyst.transcribe(video=clip)[0] == heard.transcript
    typed = analyst.analyze(Query(video=clip, text="ANYHOW IT WAS REALLY GOOD"))
    assert (typed.transcript.source, codes(typed)) == ("typed", [])
    assert not analyst.analyze(Query(video=clip, text="")).modalities["text"].present


@pytest.mark.parametrize(
    ("modalities", "text", "read"),
    [
        (["text"], "so it is", ["text"]),
        (["audio"], None, ["audio"]),
        (["vision"], None, ["vision"]),
        (["audio", "vision"], "so it is", ["audio", "vision"]),
        (["text", "vision"], "so it is", ["text", "vision"]),
    ],
)
def test_only_what_is_asked_for_is_read(analyst, profile, decoded, write_clip, modalities, text, read):
    asked = {"video": write_clip(), "text": text, "modalities": modalities}
    part = analyst.analyze(Query(**asked), only_asked=True)
    assert sorted(profile.extracted, key=MODALITIES.index) == read
    assert len(decoded) == (modalities != ["text"])
    assert [m for m, said in part.modalities.items() if said.present is not None] == read
    whole = analyst.analyze(Query(**asked))
    assert part.score == pytest.approx(whole.score, abs=1e-5)
    for name in read:
        assert part.modalities[name].probabilities == pytest.approx(whole.modalities[name].probabilities)
    decoded.clear()
    assert analyst.analyze(Query(**asked), only_asked=True).score == part.score
    assert not decoded


def test_an_error_tells_what_there_is_beside_what_was_asked_for(analyst, write_clip):
    with pytest.raises(AnalysisError) as caught:
        analyst.analyze(
            Query(video=write_clip(brightness=0), text="so", modalities=["vision"]), only_asked=True
        )
    assert caught.value.code == "nothing_used" and caught.value.values["present"] == "text,audio"

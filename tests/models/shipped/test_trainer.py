"""Label-matched triples, a small training run in two stages, its figures, and what a card says of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.extractors.audio import BEYOND_WORDS, RAVDESS_EMOTIONS, VoiceHead
from models.extractors.readers import AROUSAL_READINGS
from models.extractors.vision import FaceEncoder
from models.features.utterances import Utterance
from models.manifest import ManifestError
from models.shipped.cards import gain_sentence
from models.shipped.evaluation import leave_speakers_out, pooled_quantiles
from models.shipped.reconstruction import matched_triples
from models.shipped.shipping import recognised_words
from models.shipped.sources import Sources, Speech
from models.shipped.trainer import FusionTrainer, Recipe
from models.shipped.triples import TripleMaker
from models.training.prediction import predict
from models.types import MODALITIES

TEXT, AUDIO, VISION = MODALITIES
ANGRY = RAVDESS_EMOTIONS.index("angry")
DIMS = {TEXT: 12, AUDIO: VoiceHead.dim, VISION: FaceEncoder.dim}


def utterances(count, modalities, source="clips", groups=4, seed=0):
    """Items whose first coordinate, in every modality, is the score with some noise."""
    generator = torch.Generator().manual_seed(seed)
    items = []
    for i in range(count):
        target = 6 * torch.rand((), generator=generator).item() - 3
        states = {}
        for modality in modalities:
            steps = int(torch.randint(1, 6, (), generator=generator))
            states[modality] = 0.5 * torch.randn(steps, DIMS[modality], generator=generator)
            states[modality][:, 0] += target
        items.append(Utterance(states, target, source, f"speaker{i % groups}"))
    return items


def second_coordinate(states: torch.Tensor) -> torch.Tensor:
    return states[..., 1].mean(-1)


def small_sources():
    clips = utterances(60, MODALITIES)
    nothing = [torch.zeros(len(clip.states[AUDIO])) for clip in clips]
    return (
        Sources(
            clips=clips,
            beyond_words={clip.group: nothing for clip in clips},
            text=utterances(200, (TEXT,), "text", seed=1),
            text_validation=utterances(30, (TEXT,), "text", seed=2),
            faces=utterances(100, (VISION,), "faces", seed=3),
            faces_validation=utterances(20, (VISION,), "faces", seed=4),
            test_faces=utterances(20, (VISION,), "faces", seed=5),
            text_arousal=second_coordinate,
        ),
        Speech(
            train=utterances(100, (TEXT, AUDIO), "speech", seed=6),
            validation=utterances(20, (TEXT, AUDIO), "speech", seed=7),
            test=utterances(20, (TEXT, AUDIO), "speech", seed=8),
        ),
    )


def test_triples_agree_in_valence():
    voices, faces = utterances(300, (TEXT, AUDIO), seed=1), utterances(300, (VISION,), seed=2)
    maker, rng = TripleMaker(voices, faces, noise=0.2, unrelated=0.0, partners=20), np.random.default_rng(0)
    by_states = {id(item.states[AUDIO]): item.target for item in voices}
    for transcript in utterances(40, (TEXT,), seed=3):
        triple = maker.make(transcript, rng)
        assert set(triple.states) == set(MODALITIES)
        assert triple.states[TEXT] is transcript.states[TEXT]
        assert abs(by_states[id(triple.states[AUDIO])] - transcript.target) < 1.2


def test_triples_that_match_in_arousal_agree_in_valence_too():
    faces = utterances(300, (VISION,), seed=2)
    voices = utterances(900, (TEXT, AUDIO), seed=1)
    generator = torch.Generator().manual_seed(4)
    for voice in voices:
        voice.states[AUDIO][:, ANGRY] = 3 * torch.rand((), generator=generator)
    arousals = {id(v.states[AUDIO]): float(AROUSAL_READINGS[AUDIO](v.states[AUDIO])) for v in voices}
    targets = {id(voice.states[AUDIO]): voice.target for voice in voices}
    rng, transcripts = np.random.default_rng(0), utterances(80, (TEXT,), seed=3)
    found = {}
    for rank in (0.0, 0.5, 1.0):
        maker = TripleMaker(
            voices, faces, 0.2, unrelated=0.0, partners=20, arousal_rank=lambda _, rank=rank: rank
        )
        made = [maker.make(transcript, rng) for transcript in transcripts]
        for triple, transcript in zip(made, transcripts, strict=True):
            assert abs(targets[id(triple.states[AUDIO])] - transcript.target) < 1.5
        found[rank] = np.array([arousals[id(triple.states[AUDIO])] for triple in made])
    assert found[0.0].mean() + 0.3 < found[0.5].mean() < found[1.0].mean() - 0.3


def test_held_out_triples_have_the_label_of_their_words():
    """What a voice adds cannot be imagined from them."""
    sources, speech = small_sources()
    for voice in speech.test:
        voice.states[AUDIO][:, BEYOND_WORDS] = 0.5
    triples = matched_triples(sources, speech)
    assert [triple.target for triple in triples] == [words.target for words in sources.text_validation]
    assert all(len(triple.states) == 3 for triple in triples)


def test_the_rank_of_words_is_that_among_words_as_good_or_as_bad():
    sources, _ = small_sources()
    for item in sources.text:
        item.states[TEXT][:, 1] += abs(item.target)  # a strong sentiment is aroused
    rank = sources.text_arousal_rank
    ranks = np.array([rank(item) for item in sources.text])
    assert ranks.mean() == pytest.approx(0.5, abs=0.05) and ranks.std() == pytest.approx(0.29, abs=0.05)
    assert abs(np.corrcoef(ranks, [abs(item.target) for item in sources.text])[0, 1]) < 0.2
    calm = sources.text[0]
    roused = replace(calm, states={TEXT: calm.states[TEXT] + torch.eye(DIMS[TEXT])[1]})
    assert rank(roused) > rank(calm)


def test_what_a_voice_adds_is_added_to_the_score_of_a_triple():
    voices, faces = utterances(50, (TEXT, AUDIO), seed=1), utterances(50, (VISION,), seed=2)
    for voice in voices:
        voice.states[AUDIO][:, BEYOND_WORDS] = 0.5
    maker, rng = TripleMaker(voices, faces, noise=1.0, unrelated=0.5), np.random.default_rng(0)
    for transcript in utterances(20, (TEXT,), seed=3):
        assert maker.make(transcript, rng).target == pytest.approx(min(3.0, transcript.target + 0.5))


def test_a_trained_model_predicts_and_an_item_without_the_subset_gives_nan():
    sources, speech = small_sources()
    recipe = Recipe(general_epochs=6, clip_epochs=3, text=200, speech=100, faces=100, triples=200, batch=32)
    trainer = FusionTrainer(sources, speech, DIMS, recipe)
    model = trainer.fine_tune(trainer.pretrain("late", 0), "late", sources.clips, 0)
    scores = predict(model, speech.test, DIMS, (TEXT, AUDIO))
    assert np.corrcoef(scores, [item.target for item in speech.test])[0, 1] > 0.8
    assert np.isnan(predict(model, speech.test, DIMS, (VISION,))).all()


def test_at_the_end_of_stage_one_only_what_generates_learns():
    sources, speech = small_sources()
    recipe = Recipe(general_epochs=1, generation_epochs=1, text=64, speech=64, faces=64, triples=64, batch=32)
    trainer = FusionTrainer(sources, speech, DIMS, recipe)
    model = trainer.pretrain("mfm", 0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer.teach_generation(model, "mfm", 1)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in changed} == {"generators", "factors", "surrogates"}
    learned = {name.split(".")[1] for name in changed if name.startswith("surrogates")}
    assert learned == {"audio", "vision", "audio_vision"}  # those without words: what has some says the same
    assert not any(name.startswith("factors.label") for name in changed)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_leave_one_speaker_out_reports_every_subset_with_its_spread():
    sources, speech = small_sources()
    recipe = Recipe(general_epochs=1, clip_epochs=1, text=64, speech=64, faces=64, triples=64, batch=32)
    mute = replace(sources.clips[0], states={AUDIO: sources.clips[0].states[AUDIO]})
    heard = [mute, *sources.clips[1:]]  # the recogniser heard nothing in the first, all in the others
    result = leave_speakers_out(
        "late", sources, speech, DIMS, [0, 1], recipe, log=lambda line: None, recognised=heard
    )
    assert len(result["subsets"]) == 7
    given, recognised = (result[key]["text+audio+vision"]["mae"] for key in ("subsets", "recognised"))
    assert given != recognised and given[0] == pytest.approx(recognised[0], abs=0.3)
    mean, deviation = result["subsets"]["text+audio+vision"]["mae"]
    assert 0 < mean < 3 and deviation > 0
    quantiles = pooled_quantiles(result, np.array([clip.target for clip in sources.clips]))
    assert all(width > 0 for width in quantiles.values())


def test_recognised_words_must_be_there_for_every_clip(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "manifest.csv").write_text("file,text\na.mp4,good\nb.mp4,bad\n")
    heard = tmp_path / "heard.csv"
    heard.write_text("file,text,words\nb.mp4,bad,Bad.\na.mp4,good,\n")
    assert recognised_words(heard, tmp_path) == ["", "Bad."]
    heard.write_text("file,heard\na.mp4,Good.\n")
    with pytest.raises(ManifestError, match="no column words; it must have file, words"):
        recognised_words(heard, tmp_path)
    heard.write_text("file,words,error\na.mp4,Good.,\nb.mp4,,could not be analysed\n")
    with pytest.raises(ValueError, match=r"no words of b\.mp4"):
        recognised_words(heard, tmp_path)
    heard.write_text("File, Words\na.mp4,Good.\n")
    with pytest.raises(ValueError, match=r"no words of b\.mp4 .* app transcribe"):
        recognised_words(heard, tmp_path)


def test_the_card_says_plainly_when_voice_and_face_do_not_help():
    assert "help by more" in gain_sentence({"corr": [0.02, 0.01], "mae": [-0.03, 0.01]}, 3)
    assert "only Corr" in gain_sentence({"corr": [0.02, 0.01], "mae": [-0.01, 0.02]}, 3)
    assert "do **not** help" in gain_sentence({"corr": [0.01, 0.02], "mae": [0.01, 0.0]}, 3)
    assert "make it worse" in gain_sentence({"corr": [-0.03, 0.01], "mae": [0.03, 0.01]}, 3)

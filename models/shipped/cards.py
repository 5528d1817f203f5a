"""Cards: what each weight is, what it learned from, how good it is, and the command that made it."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import EvalResult, ModelCardData

from models.catalogue import adapters_sentence
from models.checkpoint import CheckpointMeta, subset_name
from models.extractors.readers import informative
from models.fusion.spec import ModelSpec
from models.training.card import departures
from models.training.tables import COLUMNS, markdown_table
from models.types import MODALITIES, Modality

IMAGINED_ERRORS = {
    "error": "error",
    "draw_error": "of one draw",
    "mean_error": "mean predictor",
    "nearest_error": "nearest",
}
IMAGINED_SHARES = {
    "agreement": "agrees",
    "chance": "chance",
    "real": "the real one agrees",
    "nearest": "the nearest agrees",
    "agreement_real": "agrees with the real one",
    "named": "named",
    "named_chance": "named by chance",
    "named_real": "the real one named",
}
SPOKEN = {"text": "words", "audio": "voice", "vision": "face"}
LICENCE = "Research and non-commercial use only: LICENSE-WEIGHTS.md has the terms of each data set."
DATA = {  # what an extractor's card, else a method's, names as its data
    "text": ["CMU-MOSI", "CMU-MOSEI"],
    "text_arousal": ["MELD"],
    "audio": ["RAVDESS", "CMU-MOSI"],
    "vision": ["FER2013"],
    "face_decoder": ["FER2013"],
    "voice_decoder": ["RAVDESS"],
    "melody": ["RAVDESS"],
}
ALL_DATA = ["CMU-MOSI", "CMU-MOSEI", "RAVDESS", "FER2013"]
METRICS = {"mae": "mae", "corr": "pearsonr", "acc2_non0": "accuracy", "f1_non0": "f1"}  # names on the Hub
VALENCE = (
    "Emotions became a valence in [-3, 3] by the pleasure values of Russell & Mehrabian (1977): happiness "
    "+2.43, surprise +1.20, contempt -0.69, anger -1.53, disgust -1.80, sadness -1.89, fear -1.92, neutral "
    "and calm 0; RAVDESS's normal intensity counts two thirds; a face's valence is the mean over its votes."
)
EXTRACTOR_CARDS = {
    "text": (
        "Words: low-rank sentiment adapters on all-mpnet-base-v2",
        "Rank-16 adapters (LoRA, Hu et al., ICLR 2022) on every linear map of the frozen encoder in `mpnet/` "
        "(Song et al., NeurIPS 2020; 109 million parameters, rounded to int8), with a head for the score. "
        "Trained on the training splits of CMU-MOSI and CMU-MOSEI transcripts for three epochs with L1, "
        "without any transcript of the 12 videos in `clips/` and without a tenth of MOSEI's training videos, "
        "which the fusion models learn from; punctuation dropped from half of the utterances. LRCMT runs the "
        "same model itself. English only.",
    ),
    "text_arousal": (
        "Arousal of words: a linear map of their mean state",
        "A ridge from the mean of the words' states to the arousal in [-1, 1] of the emotion that MELD names "
        "for an utterance, by the arousal values of Russell & Mehrabian (1977): surprise 0.67, fear 0.60, "
        "anger 0.59, happiness 0.51, disgust 0.35, neutral 0, sadness -0.27. Trained on the training split. "
        "Figures are on the test split: other dialogues, mostly of the same speakers, since MELD is a "
        "series; beside all of them those whose emotion is not neutral. MFM's generators learn from words, "
        "voices and faces that match in it, and the phrases shown for imagined words are chosen by it.",
    ),
    "audio": (
        "Voice: a head on the states of Whisper base's encoder",
        "Mean and deviation over 1.7 s of all seven layers' states to 12.5 states a second. A network with "
        "one hidden layer learned RAVDESS's eight emotions and their intensity, by actor, from recordings as "
        "they are and in other rooms, bands, noises and speeds; folds are six actors each, and the shipped "
        "head is the one that never heard fold 0. A ridge learned from the 287 clips what their words leave "
        "over: the label less the words' score, from a text encoder that saw none of these speakers. It "
        "is measured on speakers left out; the voice states of these very clips know their labels. To "
        "these come the expected valence and the loudness.",
    ),
    "vision": (
        "Face: a small residual network on 48 x 48 grey crops",
        "Trained on FER2013's training split with FER+ vote distributions (Barsoum et al., ICMI 2016), and "
        "on what two residual networks of 11 million parameters say, which learned from the same faces "
        "(distillation). A state has eight emotions, from the mean embedding of a face and its mirror image, "
        "the valence expected under them, and that less its mean over the person's faces. Figures are on the "
        "FER+ test split.",
    ),
    "face_decoder": (
        "Imagined face: a generator of 48 x 48 grey faces of people who do not exist",
        "Draws a face that shows given probabilities of the emotions, on looks drawn by chance: coordinates "
        "along the principal components of what the emotions of the training faces leave over (eigenfaces, "
        "Turk and Pentland, 1991), so that they are nobody's. A convolutional network, modulated by the "
        "emotions (FiLM, Perez et al., AAAI 2018), sharpens that. Trained on FER2013's training split with "
        "L1 to real faces drawn again from their own looks, against a discriminator (Miyato and Koyama, ICLR "
        "2018), and so that an encoder of emotions, another than the shipped one, names what is shown. "
        "Figures are of emotions that the shipped encoder reads in FER+ test faces, on looks of nobody: how "
        "often it names the same emotion in the drawn face and by chance, and the standard deviation of a "
        "pixel over faces of one emotion beside that of real faces.",
    ),
    "voice_decoder": (
        "Imagined voice: a small convolutional network from voice states to a log-mel",
        "Draws a levelled log-mel (80 bands, 10 ms a frame) from voice states. "
        "The states say how something is said and not what: it has the spectrum and the loudness of a "
        "voice in that mood, without words or a person. The voice head does not hear the mood in it: its "
        "emotion is that of the real voice no more often than by chance. Trained on RAVDESS, without fold "
        "0, from cross-fitted states, with L1 on the log-mel and on its changes. Figures are on the six "
        "actors of fold 0, whom neither network heard: error in nats a cell, beside that of the mean "
        "spectrum at the states' loudness; and whether the encoder hears in the drawn voice, through "
        "Griffin-Lim, what it hears in the real one.",
    ),
    "melody": (
        "Imagined tone of voice: a small network from a mean voice state to pitch, range, pace and loudness",
        "Says of an utterance, from the mean of its voice states: the median pitch in semitones above the "
        "speaker's usual one, the logarithm of the range of pitch (half the distance from the 16th to the "
        "84th percentile, in semitones), how far its last tenth is above its median, syllables a second, and "
        "the range of loudness in nats, each as a Gaussian. A melody is drawn from these and hummed; which "
        "syllable rises is made up, since the states do not say it, around a line that falls as it does in "
        "the training utterances. Trained on RAVDESS, without fold 0, from cross-fitted states. Pitch is "
        "YIN's (de Cheveigné & Kawahara, JASA 2002), syllables are counted as by de Jong & Wempe (2009), "
        "and an actor's usual pitch is the "
        "median over all of his or her utterances. Figures are on the six actors of fold 0, whom neither "
        "network heard: explained variance is beside the training mean, the likelihood beside that of one "
        "Gaussian. Every actor says two sentences of seven syllables, so that pace varies little.",
    ),
    "out_of_distribution": (
        "Outlier detector: whether an utterance is out of the training data's distribution",
        "One Gaussian per modality over the mean states of the utterances that the fusion models learn from, "
        "its covariance shrunk (Ledoit & Wolf, 2004); an utterance is an outlier where its Mahalanobis "
        "distance (as Lee et al., NeurIPS 2018) exceeds what 97 % of training utterances have when their "
        "speaker or video is left out. It notices a sentence of German or Korean, gibberish, code. Noise and "
        "tones are told by the voice detector before it; a voice in noise and a drawn face pass, since the "
        "few coordinates that say how a voice sounds and a face looks do not show them. It cannot know "
        "whether a score is right. Figures: transcripts, actors of fold 0 and FER+ test faces that it never "
        "saw, of which 3 % should be outliers.",
    ),
}


def write_extractor_card(path: Path, which: str, figures: dict) -> None:
    """Card of one entry of EXTRACTOR_CARDS."""
    title, text = EXTRACTOR_CARDS[which]
    groups = figures if all(isinstance(value, dict) for value in figures.values()) else {"test": figures}
    tables: dict[tuple[str, ...], list[list[str]]] = {}  # one for all groups of the same metrics
    for name, group in groups.items():
        tables.setdefault(tuple(group), []).append([name, *map(_plain, group.values())])
    figures_text = "\n\n".join(markdown_table(["", *metrics], rows) for metrics, rows in tables.items())
    about = _front_matter(
        which,
        DATA.get(which, ALL_DATA),
        [
            EvalResult("feature-extraction", name, name, metric, round(value, 4))
            for name, group in groups.items()
            for metric, value in group.items()
            if isinstance(value, float)  # the others count what was tested
        ],
    )
    path.write_text(
        f"{about}# {title}\n\n{text}\n\n## Held-out figures\n\n"
        f"{figures_text}\n\n"
        f"Made by `python -m models.shipped train-extractors {which}`.\n\n{LICENCE}\n"
    )


def write_method_card(path: Path, method: ModelSpec, meta: CheckpointMeta, sizes: dict[str, int]) -> None:
    """Card of one fusion method's weights, beside them."""
    items, recipe = meta.training["items"], meta.training["recipe"]
    stage = [recipe[kind] for kind in ("text", "speech", "faces", "triples")]
    shares = ", ".join(
        f"{kind} {100 * count / sum(stage):.0f} %"
        for kind, count in zip(("transcripts", "acted speech", "faces", "triples"), stage, strict=True)
    )
    seed = f"Seed {meta.training['seed']}."
    clip_share = 100 / (1 + recipe["replay"] + recipe["borrowed"])
    everything = meta.figures["clips"][subset_name(MODALITIES)]
    about = _front_matter(
        method.name,
        ALL_DATA,
        [
            EvalResult(
                "multimodal-sentiment-analysis",
                "cmu-mosi",
                "CMU-MOSI, 287 clips of 12 speakers, each left out",
                METRICS[metric],
                round(everything[metric][0], 4),
            )
            for metric in METRICS
        ],
    )
    path.write_text(
        f"{about}# {method.title}\n\n"
        f"{method.paper} ({method.year}), {method.url}\n\n"
        f"{departures(method)}\n\n"
        f"Parameters: {sizes['total']:,} in all, {sizes['fusion']:,} of them in the fusion. "
        f"{' '.join(filter(None, (adapters_sentence(sizes), seed)))}\n\n"
        "## Trained on\n\n"
        f"{items['clips']} CMU-MOSI clips (words, voice, face), {items['text']} MOSEI and MOSI transcripts,"
        f" {items['speech']} RAVDESS utterances (words, voice), {items['faces']} FER+ faces, and "
        "label-matched triples: a scored transcript with a voice and a face whose valence agrees. Every "
        "state comes from an encoder that did not train on that item: the transcripts and faces are "
        "held-out splits, the voices are cross-fitted by actor, and what a clip's voice adds to its words is "
        "said by a map without its speaker.\n\n"
        f"Shares: stage one {shares}; stage two clips {clip_share:.0f} %, transcripts that borrow a clip's "
        f"voice and face {clip_share * recipe['borrowed']:.0f} %, the rest in equal parts stage one. Of the "
        f"triples {100 * recipe['unrelated']:.0f} % have a voice and a face of any valence, as real ones "
        "often do. "
        f"Modalities are dropped from {100 * recipe['modality_dropout']:.0f} % of the items at random. "
        f"The learning rate is {method.training.lr:g}, {recipe['clip_lr']:g} of it in stage two. "
        f"{VALENCE}\n\n"
        "## On speakers never seen: the clips\n\n"
        f"Leave-one-speaker-out over 12 speakers, 287 clips; {_seeds(meta.figures['seeds'])}. Two more "
        "speakers are kept out of each fold to measure the interval.\n\n"
        f"{subset_table(meta.figures['clips'])}\n\n"
        f"{gain_sentence(meta.figures['gain'], meta.figures['seeds'])} "
        f"Made by `python -m models.shipped measure clips {method.name}`.\n\n"
        f"{_recognised_section(meta.figures.get('recognised', {}))}"
        "## On actors never heard: RAVDESS\n\n"
        "Valence of 1,440 utterances, cross-validated by actor (four folds of six); the two sentences say "
        "nothing about it.\n\n"
        f"{subset_table(meta.figures['speech'])}\n\n"
        f"Made by `python -m models.shipped measure speech {method.name}`.\n\n"
        "## These very weights on data that nothing in them saw\n\n"
        + markdown_table(
            ["", "items", "MAE", "Corr"],
            [
                [name, str(row["items"]), f"{row['mae']:.3f}", f"{row['corr']:.3f}"]
                for name, row in meta.figures["shipped"].items()
            ],
        )
        + "\n\nSpeech: six RAVDESS actors; faces: the FER+ test split. "
        f"Made by `python -m models.shipped train {method.name}`.\n\n"
        f"{_imagined_section(meta.figures.get('imagined', {}))}{LICENCE}\n"
    )


def _front_matter(name: str, datasets: list[str], results: list[EvalResult]) -> str:
    """What the Hub reads of a card: licence, data, metrics and figures, as YAML between two lines."""
    about = ModelCardData(
        language="en",
        license="other",
        license_name="research-and-non-commercial",
        license_link="LICENSE-WEIGHTS.md",
        library_name="pytorch",
        datasets=datasets,
        metrics=sorted({result.metric_type for result in results}),
        model_name=f"fusebox-{name}",
        eval_results=results,
    )
    return f"---\n{about.to_yaml()}\n---\n\n"


def _seeds(count: int) -> str:
    return f"mean ± standard deviation over {count} seeds" if count > 1 else "one seed only"


def _recognised_section(figures: dict[str, dict]) -> str:
    """The clips once more, with the words that a visitor's clip would have."""
    if not figures:
        return ""
    return (
        "With the words that Whisper base hears in the clips instead of the data set's, and the same "
        f"models:\n\n{subset_table(figures)}\n\nMade by the same with `--heard HEARD.csv`, from "
        "`python -m app transcribe`.\n\n"
    )


def _imagined_section(groups: dict[str, dict[str, dict[str, float]]]) -> str:
    """What the method imagines in the place of a missing modality, against the truth and the label."""
    if not groups:
        return ""
    rows, silent = [], []
    for group, figures in groups.items():
        for key, row in figures.items():
            shares = [_percent(row, share) for share in IMAGINED_SHARES]
            errors = [f"{row[error]:.2f}" for error in IMAGINED_ERRORS]
            others = [f"{row[name]:.2f}" if name in row else "" for name in ("arousal_corr", "variety")]
            rows.append([group, key, *errors, *shares, *others])
            if not informative(row):
                silent.append(f"{key} ({group})")
    headings = ["on", "imagined", *IMAGINED_ERRORS.values(), *IMAGINED_SHARES.values(), "arousal", "variety"]
    carries = (
        f"**No better than chance, so it carries no information:** {', '.join(silent)}."
        if silent
        else "Every imagined modality agrees with the label more often than chance."
    )
    return (
        "## Imagined\n\nMean squared error of the standardised states, of the mean of eight draws and of "
        "one, beside the mean predictor and the nearest of 2,000 matched triples of training items; "
        "how often the imagined modality, read by its own encoder, has the polarity of the label (chance; "
        "the real modality; the nearest triple's) and of the real modality; how often a classifier of other "
        "people's real states names the family (good, neutral, bad) that the label has; Corr of the imagined "
        "arousal with the real one; and how much the polarity varies over draws, beside its variation over "
        "real items. Triples match in label and arousal, of items nothing in these weights saw; clips are of "
        f"speakers left out.\n\n{markdown_table(headings, rows)}\n\n{carries}\n\n"
    )


def _percent(row: dict[str, float], share: str) -> str:
    return f"{100 * row[share]:.0f} %" if share in row else ""


def gain_sentence(gain: dict[str, list[float]], seeds: int) -> str:
    """What voice and face add to words alone on unseen speakers, and whether that is more than chance."""
    better = {"corr": gain["corr"][0] > gain["corr"][1], "mae": -gain["mae"][0] > gain["mae"][1]}
    verdict = {
        2: "voice and face help by more than the spread over seeds",
        1: f"only {'Corr' if better['corr'] else 'MAE'} gains more than the spread over seeds",
        0: "voice and face do **not** help by more than the spread over seeds",
    }[sum(better.values())]
    if gain["corr"][0] < -gain["corr"][1] and gain["mae"][0] > gain["mae"][1]:
        verdict = "voice and face do **not** help on these clips, they make it worse"
    if seeds == 1:
        verdict = "one seed has no spread to judge this by"
    corr, mae = (f"{mean:+.3f} ± {deviation:.3f}" for mean, deviation in (gain["corr"], gain["mae"]))
    return f"All three against words alone: Corr {corr}, MAE {mae}: {verdict}."


def summary(clips: dict[str, dict], speech: dict[str, dict]) -> str:
    """Markdown table, a row a method: fused on the clips, what voice and face add to its words,
    the same with recognised words, and RAVDESS where it was measured.

    clips, speech : {method: what `leave_speakers_out` and `cross_validate_actors` give}
    """
    rows = []
    for name, measured in clips.items():
        everything = subset_name(MODALITIES)
        fused, heard = (measured.get(key, {}).get(everything) for key in ("subsets", "recognised"))
        acted = speech.get(name, {}).get("subsets", {}).get("text+audio")
        gain = measured["gain"]
        rows.append(
            [
                f"`{name}`",
                *(_cell(fused[metric], *COLUMNS[metric][1:]) for metric in ("mae", "corr", "acc2_non0")),
                *(f"{gain[metric][0]:+.3f} ± {gain[metric][1]:.3f}" for metric in ("mae", "corr")),
                *(_cell(heard[metric], 1, 3) if heard else "–" for metric in ("mae", "corr")),
                *([_cell(acted["corr"], 1, 3) if acted else "–"] if speech else []),
            ]
        )
    heads = ["MAE", "Corr", "Acc-2 non0 %", "added to words: MAE", "added: Corr", "MAE, words as heard"]
    return markdown_table(["", *heads, "Corr, as heard", *(["Corr on RAVDESS"] if speech else [])], rows)


def subset_table(figures: dict[str, dict]) -> str:
    """Markdown table of one method's figures {subset: {metric: [mean, deviation]}}: a row a subset."""
    return _metrics_table("", {_spoken(subset): figures[subset] for subset in _ordered(figures)})


def comparison(figures: dict[str, dict]) -> str:
    """Two Markdown tables of {method: {subset: …}}: every metric on all modalities; Corr of each subset."""
    if not figures:
        return "Not measured yet."
    subsets = _ordered(next(iter(figures.values())))
    everything = _metrics_table(_spoken(subsets[0]), {name: f[subsets[0]] for name, f in figures.items()})
    correlations = [
        [name, *(_cell(by_subset[subset]["corr"], 1, 2) for subset in subsets)]
        for name, by_subset in figures.items()
    ]
    return f"{everything}\n\n{markdown_table(['Corr', *map(_spoken, subsets)], correlations)}"


def _metrics_table(corner: str, figures: dict[str, dict]) -> str:
    if not figures:
        return "Not measured yet."
    metrics = [metric for metric in COLUMNS if metric in next(iter(figures.values()))]
    rows = [
        [name, *(_cell(values[metric], *COLUMNS[metric][1:]) for metric in metrics)]
        for name, values in figures.items()
    ]
    return markdown_table([corner, *(COLUMNS[metric][0] for metric in metrics)], rows)


def _ordered(figures: dict[str, dict]) -> list[str]:
    """The measured subsets, largest first."""
    return [name for name in map(subset_name, Modality.subsets()) if name in figures]


def _spoken(subset: str) -> str:
    return " + ".join(SPOKEN[m] for m in subset.split("+"))


def _cell(value: list[float], factor: int, digits: int) -> str:
    mean, deviation = value
    return f"{factor * mean:.{digits}f} ± {factor * deviation:.{digits}f}"


def _plain(value: float | int) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"

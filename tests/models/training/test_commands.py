"""`python -m models` on features, from end to end, as a researcher types it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app.service.analyst import Analyst
from app.service.query import Query
from app.settings import Settings
from models.__main__ import main
from models.checkpoint import load_fusion
from models.features.feature_set import SIMS_SCORES
from models.features.files import load_features, save_features
from models.registry import FUSION_MODELS
from models.training import commands
from models.training.prediction import predict
from models.types import Modality
from tests.models.feature_sets import feature_set

QUICK = ["--epochs", "2", "--batch", "16"]


@pytest.fixture
def features(tmp_path) -> Path:
    path = tmp_path / "features.npz"
    save_features(path, feature_set())
    return path


@pytest.fixture
def run(capsys):
    """run(*words) -> (exit status, stdout, stderr) of the command."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()  # what an earlier command left
        status = main([str(word) for word in words])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def refused(result: tuple[int, str, str]) -> str:
    """The one line that a refused command leaves on stderr."""
    status, _, complaint = result
    assert status == 2
    assert complaint.count("\n") == 1 and "Traceback" not in complaint
    return complaint


def refused_after_progress(result: tuple[int, str, str]) -> str:
    """The last line on stderr of a command that began and was then refused."""
    status, _, complaint = result
    assert status == 2 and "Traceback" not in complaint
    return complaint.splitlines()[-1]


def test_train_and_evaluate(run, features, tmp_path):
    weights = tmp_path / "weights"
    status, printed, progress = run(
        "train", "late,lmf", "--data", features, "--out", weights, "--seed", 7, *QUICK
    )
    assert status == 0
    assert "96 train, 32 valid, 32 test; widths: text 12, audio 6, vision 5; labels in [-3, 3]" in printed
    assert "| late | MAE | Corr | Acc-7 % | Acc-5 % | Acc-3 % | Acc-2 non0 % |" in printed
    assert "lmf, seed 7: 100%" in progress
    assert load_fusion("lmf", "features", weights).meta.training["seed"] == 7

    status, printed, _ = run("evaluate", "--data", features, "--weights", weights)
    assert status == 0
    assert [line.split(" |")[0] for line in printed.splitlines() if "| " in line][2:] == ["| lmf", "| late"]


@pytest.mark.parametrize(
    ("protocol", "rows"),
    [("full", 1), ("subsets", 7), ("rmfm", 12), ("mmin", 7)],
)
def test_every_protocol(run, features, tmp_path, protocol, rows):
    run("train", "late", "--data", features, "--out", tmp_path, *QUICK)
    status, printed, _ = run(
        "evaluate", "late", "--data", features, "--weights", tmp_path, "--protocol", protocol
    )
    assert status == 0
    assert sum(line.startswith("| ") for line in printed.splitlines()) == rows + 2
    if protocol == "rmfm":
        assert "area over the rates 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1;" in printed
        assert "late was trained with no modality dropout and no frame dropout" in printed
    _, printed, _ = run(
        "evaluate", "late", "--data", features, "--weights", tmp_path, "--protocol", protocol, "--json"
    )
    assert len(json.loads(printed)["late"]) == rows


def test_dependence_of_what_mfm_generates(run, features, tmp_path):
    run("train", "mfm", "--data", features, "--out", tmp_path, "--epochs", 1, "--batch", 32)
    words = ("dependence", "--data", features, "--weights", tmp_path)
    status, printed, _ = run(*words)
    assert status == 0
    rows = re.findall(r"^\| (text|audio|vision) \| (\S+) \| (\S+) \| (\S+) \|$", printed, re.MULTILINE)
    assert [row[0] for row in rows] == ["text", "audio", "vision"]
    found = json.loads(run(*words, "--json")[1])
    for modality, shared, private, ratio in rows:
        each = found[modality]
        assert f"{each['shared']:.3f}" == shared and f"{each['private']:.3f}" == private
        assert each["ratio"] == pytest.approx(each["shared"] / each["private"])
        assert f"{each['ratio']:.3f}" == ratio
    assert json.loads(run(*words, "--split", "valid", "--json")[1]) != found
    assert "there are no weights for 'mfm'" in refused(run(*words[:3], "--weights", tmp_path / "none"))
    assert "no shared and private factors" in refused(run(words[0], "lmf", *words[1:]))
    assert "there are no weights for 'mfm_tfn'" in refused(run(words[0], "mfm_tfn", *words[1:]))


def test_at_rate_one_the_answer_is_the_training_median(run, features, tmp_path):
    run("train", "mla", "--data", features, "--out", tmp_path, *QUICK)
    _, printed, _ = run(
        "evaluate", "mla", "--data", features, "--weights", tmp_path, "--protocol", "rmfm", "--json"
    )
    dataset = load_features(features)
    median = np.median([item.target for item in dataset.train])
    error = np.mean([abs(median - item.target) for item in dataset.test])
    assert json.loads(printed)["mla"]["rate 1"]["mae"] == pytest.approx(error)


def test_training_continues_after_an_interruption(run, features, tmp_path, monkeypatch):
    arguments = ("train", "concat", "--data", features, *QUICK)
    run(*arguments, "--out", tmp_path / "once")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("models.training.fitting.predict", interrupt)
        main([str(word) for word in (*arguments, "--out", tmp_path / "twice")])
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("models.training.feature_weights.save_fusion", interrupt)
        main([str(word) for word in (*arguments, "--out", tmp_path / "twice")])
    left = tmp_path / "twice" / "features" / "concat.run"
    assert left.is_file()
    assert "another seed" in refused(run(*arguments, "--seed", 1, "--out", tmp_path / "twice"))
    assert run(*arguments, "--out", tmp_path / "twice")[0] == 0
    assert not left.exists()
    once, twice = (load_fusion("concat", "features", tmp_path / folder) for folder in ("once", "twice"))
    assert once.meta == twice.meta
    for name, tensor in once.model.state_dict().items():
        assert torch.equal(tensor, twice.model.state_dict()[name]), name


def test_restart_forgets_an_interrupted_run(run, features, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("models.training.feature_weights.save_fusion", interrupt)
        main(["train", "late", "--data", str(features), "--out", str(tmp_path), *QUICK])
    assert (
        run("train", "late", "--data", features, "--out", tmp_path, "--seed", 1, "--restart", *QUICK)[0] == 0
    )


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_a_pickle_of_ch_sims(run, tmp_path):
    path = tmp_path / "unaligned_39.pkl"
    save_features(path, feature_set(tokens=True, label_range=SIMS_SCORES))
    status, printed, _ = run(
        "train", "lmf", "--data", path, "--profile", "sims", "--out", tmp_path, "--device", "cpu", *QUICK
    )
    assert status == 0
    assert "labels in [-1, 1]; profile sims" in printed
    assert "| lmf | MAE | Corr | Acc-5 % | Acc-3 % | Acc-2 % | F1 % | items |" in printed
    assert load_fusion("lmf", "sims", tmp_path).meta.label_range == SIMS_SCORES
    measured = ("--profile", "sims", "--weights", tmp_path, "--protocol", "rmfm", "--rates", 0, 0.25, 0.5)
    status, printed, _ = run("evaluate", "lmf", "--data", path, *measured)
    assert status == 0
    assert "| rate 0.25 |" in printed and "area over the rates 0, 0.25, 0.5;" in printed


def test_features_go_to_mmsa_and_back(run, features, tmp_path):
    assert run("convert", features, tmp_path / "features.pkl")[0] == 0
    assert run("convert", tmp_path / "features.pkl", tmp_path / "again.npz")[0] == 0
    first, again = load_features(features), load_features(tmp_path / "again.npz")
    assert again.names == first.names
    assert [item.target for item in again.test] == pytest.approx([item.target for item in first.test])


def test_a_group_in_two_splits_is_told_after_every_conversion(run, tmp_path):
    dataset = feature_set()
    shared = replace(dataset.test[0], group=dataset.train[0].group)
    path = tmp_path / "0.npz"
    save_features(path, replace(dataset, test=[shared, *dataset.test[1:]]))
    for target in ("1.pkl", "2.npz", "3.pkl"):
        _, printed, _ = run("convert", path, tmp_path / target)
        assert f"note: 1 speakers or videos are in more than one split, such as '{shared.group}'" in printed
        path = tmp_path / target


def test_benchmark_trains_every_method_over_seeds_and_continues(run, features, tmp_path):
    out = tmp_path / "benchmark.json"
    words = ("benchmark", "late,concat", "--data", features, "--out", out, *QUICK)
    status, printed, progress = run(*words, "--seeds", 2)
    assert status == 0
    assert "mean ± standard deviation over 2 seeds" in printed
    rows = [line for line in printed.splitlines() if line.startswith(("| late", "| concat"))]
    assert len(rows) == 2 and all(" ± " in row for row in rows)
    assert "late, seed 1" in progress
    runs = json.loads(out.read_text())["runs"]
    maes = [runs["late"][seed]["text+audio+vision"]["mae"] for seed in ("0", "1")]
    assert f"{np.mean(maes):.3f} ± {np.std(maes):.3f}" in printed

    status, printed, progress = run(*words, "--seeds", 3)
    assert "seed 0" not in progress and "late, seed 2" in progress
    assert "over 3 seeds" in printed
    assert "another recipe" in refused(run(*words, "--lr", "0.1"))
    assert [path.name for path in tmp_path.glob("*.run")] == []


def test_benchmark_of_all_leaves_out_what_cannot_read_the_features(run, features, tmp_path, monkeypatch):
    every = {name: FUSION_MODELS[name] for name in ("late", "lrcmt", "concat")}  # all would take minutes
    monkeypatch.setattr("models.registry.FUSION_MODELS", every)
    out = tmp_path / "benchmark.json"
    status, printed, _ = run(
        "benchmark", "--data", features, "--out", out, "--seeds", 1, "--epochs", 1, "--protocol", "mmin"
    )
    assert status == 0
    assert "note: lrcmt is left out: it needs token ids" in printed
    assert list(json.loads(out.read_text())["runs"]) == ["late", "concat"]
    assert printed.count("| mean of the six |") == 1


def test_extract_writes_features_that_train_reads(run, tmp_path):
    manifest = tmp_path / "manifest.csv"
    rows = [f",{words},{score},{split}" for words, score in WORDS for split in ("train", "valid", "test")]
    manifest.write_text("\n".join(["file,text,score,split", *rows]))
    path = tmp_path / "features.npz"
    status, printed, _ = run("extract", "--manifest", manifest, "--out", path)
    assert status == 0
    assert "4 train, 4 valid, 4 test; widths: text 769" in printed and "profile local" in printed
    status, _, _ = run("train", "late", "--data", path, "--profile", "local", "--out", tmp_path, *QUICK)
    assert status == 0
    assert set(load_fusion("late", "local", tmp_path).meta.fingerprints) == {"text", "audio", "vision"}
    # and the weights that ship read them too
    shipped = Path(__file__).parents[3] / "checkpoints"
    status, printed, _ = run("evaluate", "lmf", "--data", path, "--weights", shipped)
    assert status == 0


WORDS = [("i love it", 2), ("it is terrible", -2), ("a wonderful film", 2.5), ("so boring", -1.5)]


def test_what_does_not_fit_is_one_line(run, features, tmp_path):
    damaged = tmp_path / "damaged.pkl"
    damaged.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    assert "refers to os.system" in refused(run("train", "late", "--data", damaged))
    assert "no file" in refused(run("evaluate", "late", "--data", tmp_path / "gone.npz"))
    assert "is a folder; features are one file" in refused(run("train", "lmf", "--data", tmp_path))
    assert "known are lmf" in refused(run("train", "mlp", "--data", features))
    assert "has no weights; train some" in refused(
        run("evaluate", "--data", features, "--weights", tmp_path / "empty")
    )
    assert "there are no weights for 'tfn'" in refused(
        run("evaluate", "tfn", "--data", features, "--weights", tmp_path)
    )
    assert "unknown device 'gpu'" in refused(run("train", "late", "--data", features, "--device", "gpu"))
    for typo in (tmp_path / "typo.npz", tmp_path / "typo"):
        message = refused(run("train", "lmf", "--data", typo, "--epochs", 3))
        assert f"there is no file {typo}" in message
    assert "no token ids" in refused(run("train", "lrcmt", "--data", features, "--out", tmp_path))
    assert "extractors of 'local'" in refused(run("train", "late", "--data", features, "--profile", "local"))
    assert "outside [-1, 1]" in refused(run("train", "late", "--data", features, "--label-range", -1, 1))
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("file,text,score\n,fine,1\n")
    assert "needs a column split" in refused(
        run("extract", "--manifest", manifest, "--out", tmp_path / "f.npz")
    )


def test_without_a_gpu_cuda_is_refused(run, features, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "there is no GPU here" in refused(run("train", "late", "--data", features, "--device", "cuda"))


WITHOUT = r"models\.(extractors|media|shipped)\b|av\b|cv2\b|transformers\b"


RUN_EACH = """
import json, sys
from models.__main__ import main
for words in json.loads(sys.argv[1]):
    assert main(words) == 0, words
print("imported", *sorted(sys.modules))
"""


def test_on_features_nothing_is_imported_that_decodes_media_or_makes_what_ships(
    features, tmp_path, repository_root
):
    typed = [
        ["train", "late", "--data", features, "--out", tmp_path, *QUICK],
        ["benchmark", "late", "--data", features, "--out", tmp_path / "runs.json", *QUICK],
        ["convert", features, tmp_path / "features.pkl"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", RUN_EACH, json.dumps(typed, default=str)],
        cwd=repository_root,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = done.stdout.splitlines()[-1].split()
    assert "models.features.files" in imported
    assert [name for name in imported if re.match(WITHOUT, name)] == []


def test_it_runs_as_a_program(features, tmp_path, repository_root):
    words = ["late", "--data", features, "--profile", "local"]
    done = subprocess.run(
        [sys.executable, "-m", "models", "train", *words],
        cwd=repository_root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("python -m models train: these features do not come from the extractors")
    assert "Traceback" not in done.stderr


def test_a_reader_who_has_seen_enough_ends_it_quietly(repository_root):
    words = [sys.executable, "-m", "models", "list"]
    with subprocess.Popen(
        words, cwd=repository_root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as listing:
        listing.stdout.close()
        assert listing.stderr.read() == b""
    assert listing.returncode == 1


def test_what_a_method_hides_from_itself_is_told_beside_the_dropout():
    said = commands._masks_in_training(["late", "mmin", "tfr_net"], {"modality_dropout": 0.3})
    assert said == (
        "modality dropout 0.3 and no frame dropout; in its own loss mmin hides modalities, "
        "tfr_net hides frames and whole modalities"
    )


def test_a_table_of_runs_belongs_to_its_test_split_too(run, features, tmp_path):
    once = ("late", "--seeds", "1", "--out", tmp_path / "runs.json", *QUICK)
    run("benchmark", *once, "--data", features)
    dataset = load_features(features)
    other = [replace(item, target=-item.target) for item in dataset.test]
    save_features(tmp_path / "other.npz", replace(dataset, test=other))
    assert "runs.json" in refused(run("benchmark", *once, "--data", tmp_path / "other.npz"))


def test_after_a_diverged_run_another_rate_may_be_tried(run, features, tmp_path):
    arguments = ("train", "late", "--data", features, "--out", tmp_path, "--epochs", "1")
    status, _, complaint = run(*arguments, "--lr", "1e30")
    assert status == 2 and "diverged" in complaint
    assert run(*arguments, "--lr", "1e-3")[0] == 0


LEARNED = "late was trained on other data (features.npz, 160 utterances)"


@pytest.fixture
def other_features(tmp_path) -> Path:
    """Features of the same widths, with other values and labels."""
    path = tmp_path / "other.pkl"
    save_features(path, feature_set(seed=5))
    return path


def test_weights_measured_on_other_data_say_so(run, features, other_features, tmp_path):
    run("train", "late", "--data", features, "--out", tmp_path, *QUICK)
    for words in ((), ("--json",)):
        measure = ("evaluate", "late", "--weights", tmp_path, *words)
        assert run(*measure, "--data", other_features)[2] == f"note: {LEARNED}\n"
        assert run(*measure, "--data", features)[2] == ""


def test_weights_of_other_data_are_replaced_only_when_asked(run, features, other_features, tmp_path):
    train = ("train", "late", "--out", tmp_path, *QUICK)
    run(*train, "--data", features)
    weights = tmp_path / "features" / "late.safetensors"
    before = weights.read_bytes()
    complaint = refused(run(*train, "--data", other_features))
    assert LEARNED.replace("late", str(weights)) in complaint and "give another --out" in complaint
    assert weights.read_bytes() == before
    assert run(*train, "--data", features, "--seed", 1)[0] == 0
    assert run(*train, "--data", other_features, "--restart")[0] == 0
    assert load_fusion("late", "features", tmp_path).meta.training["data"] == "other.pkl"


def test_a_figure_that_is_no_number_is_null_in_json_and_a_dash_in_tables(run, tmp_path):
    path, dataset = tmp_path / "neutral.npz", feature_set()
    save_features(path, replace(dataset, test=[replace(item, target=0.0) for item in dataset.test]))
    run("train", "late", "--data", path, "--out", tmp_path, *QUICK)
    measure = ("evaluate", "late", "--data", path, "--weights", tmp_path)
    figures = json.loads(run(*measure, "--json")[1], parse_constant=pytest.fail)["late"]
    assert figures["text+audio+vision"]["acc2_non0"] is None
    assert " nan " not in run(*measure)[1]
    store = tmp_path / "benchmark.json"
    table = ("benchmark", "late", "--data", path, "--out", store, "--seeds", 1, *QUICK)
    first, again = run(*table)[1], run(*table)[1]
    assert first == again and "nan" not in first
    json.loads(store.read_text(), parse_constant=pytest.fail)


def test_one_rate_has_no_area_to_explain(run, features, tmp_path):
    run("train", "late", "--data", features, "--out", tmp_path, *QUICK)
    measure = ("evaluate", "late", "--data", features, "--weights", tmp_path, "--protocol", "rmfm")
    printed = run(*measure, "--rates", "0.3")[1]
    assert "| rate 0.3 |" in printed and "AUILC" not in printed


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("--seeds", "0", "whole number from 1"),
        ("--epochs", "1.5", "whole number from 1"),
        ("--batch", "0", "whole number from 1"),
        ("--patience", "-1", "whole number from 1"),
        ("--lr", "0", "number above 0"),
        ("--lr", "-1", "number above 0"),
        ("--lr", "nan", "number above 0"),
        ("--lr", "inf", "number above 0"),
        ("--weight-decay", "-1", "number from 0"),
        ("--modality-dropout", "2", "share from 0 to 1"),
        ("--frame-dropout", "1", "share from 0 to less than 1"),
        ("--frame-dropout", "-.1", "share from 0 to less than 1"),
    ],
)
def test_a_number_that_cannot_be_is_refused(run, features, capsys, option, value, wanted):
    with pytest.raises(SystemExit):
        run("benchmark", "late", "--data", features, option, value)
    complaint = capsys.readouterr().err
    assert (
        f"argument {option}: {value!r} is no {wanted}; see `python -m models benchmark --help`" in complaint
    )
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    "words", [("--seed", "-1"), ("--seed", str(2**32)), ("--rates", "1.1"), ("--label-range", "nan", "3")]
)
def test_a_seed_a_rate_and_a_label_that_cannot_be_are_refused(run, features, capsys, words):
    with pytest.raises(SystemExit):
        run("evaluate", "late", "--data", features, *words)
    assert f"argument {words[0]}: {words[1]!r} is no " in capsys.readouterr().err


def test_a_frame_dropout_that_leaves_nothing_is_said(run, features, tmp_path):
    words = ("train", "late", "--data", features, "--out", tmp_path, "--frame-dropout", "0.999999")
    assert refused_after_progress(run(*words)) == (
        "python -m models train: nothing is left of any training utterance; give a lower --frame-dropout"
    )


@pytest.mark.parametrize("words", [("train", "late", "--foo"), ("train",), ("list", "extra")])
def test_a_usage_error_points_to_the_help_of_its_command(run, capsys, words):
    with pytest.raises(SystemExit):
        run(*words)
    complaint = capsys.readouterr().err
    assert complaint.startswith(f"python -m models {words[0]}: ")
    assert complaint.endswith(f"; see `python -m models {words[0]} --help`\n")
    assert complaint.count("\n") == 1


def test_a_manifest_becomes_weights_that_the_page_offers(run, tmp_path):
    """A researcher's way: clips in a table, one command, the page."""
    praise, blame = ("wonderful", "a delight", "superb"), ("dreadful", "a bore", "awful")
    rows = [
        f"what I saw was {word},{score},{person}"
        for person in ("ann", "bob", "cem", "dee")
        for words, score in ((praise, 2), (blame, -2))
        for word in words
    ]
    manifest, out = tmp_path / "films.csv", tmp_path / "own"
    manifest.write_text("\n".join(["file,text,score,group", *(f",{row}" for row in rows)]))
    status, printed, _ = run("train", "lmf", "--data", manifest, "--out", out, "--epochs", "3")
    assert status == 0
    assert "12 train, 6 valid, 6 test" in printed
    assert f"FUSEBOX_WEIGHTS={out} python -m app" in printed
    card = (out / "local" / "lmf.md").read_text()
    assert "# LMF, trained on films.csv" in card and "| test |" in card

    analyst = Analyst(Settings(weights=out, device="cpu"))
    assert {info.spec.name: info.title for info in analyst.methods()}["lmf"] == "LMF (films.csv)"
    assert analyst.methods()[1].title == "TFN"
    query = Query(text="what I saw was a delight", method="lmf")
    own, shipped = analyst.analyze(query), Analyst(Settings(device="cpu")).analyze(query)
    assert own.score != shipped.score and own.interval != shipped.interval
    stored, dataset = load_fusion("lmf", "local", out).model, load_features(out / "films.npz")
    item = next(
        item
        for split, items in dataset
        for item, text in zip(items, dataset.transcripts[split], strict=True)
        if text == query.text
    )
    expected = predict(stored, [item], stored.dims, (Modality.TEXT,))[0]
    assert own.score == pytest.approx(expected, abs=1e-4)


def test_training_goes_on_from_weights(run, features, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    quick = ("--data", features, "--epochs", "2", "--batch", "16")
    assert run("train", "lmf", *quick, "--out", first)[0] == 0
    nothing_learnt = ("--lr", "1e-12", "--weight-decay", "0")
    assert run("train", "lmf", *quick, "--out", second, "--start", first, *nothing_learnt)[0] == 0
    begun, gone_on = (load_fusion("lmf", "features", folder) for folder in (first, second))
    for before, after in zip(begun.model.parameters(), gone_on.model.parameters(), strict=True):
        torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-5)
    assert gone_on.meta.training["recipe"]["start"] == str(first)
    assert "there are no weights" in refused(run("train", "tfn", *quick, "--out", second, "--start", first))

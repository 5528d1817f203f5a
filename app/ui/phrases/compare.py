"""What the tab that compares the methods says: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    "compare_title": ("Every method on this clip", "所有方法对这段视频的判断"),
    "compare_subset": ("with {names}", "使用{names}"),
    "compare_agree": (
        "{same} of {count} methods are {side}; the median is {median}, they reach from {low} to {high}.",
        "{count} 种方法中有 {same} 种{side}；中位数为 {median}，范围从 {low} 到 {high}。",
    ),
    "side_positive": ("on the positive side", "偏正面"),
    "side_negative": ("on the negative side", "偏负面"),
    "side_neutral": ("neutral", "为中性"),
    "compare_sort": ("Sort by", "排序"),
    "compare_by_score": ("Score", "分数"),
    "compare_by_title": ("Name", "名称"),
    "compare_by_year": ("Year", "年份"),
    "compare_by_mae": ("Held-out error", "留出误差"),
    "compare_by_distance": ("Distance from the middle", "与中位数的距离"),
    "compare_method": ("Method", "方法"),
    "compare_score": ("Score", "分数"),
    "compare_scale": ("Score and 80 % interval, −3 to +3", "分数与 80 % 区间，−3 到 +3"),
    "compare_weights": ("Its own weights", "自身权重"),
    "compare_weights_hint": (
        "The shares of words (blue), voice (orange) and face (teal) for a method that weighs them itself, "
        "in this "
        "order.",
        "自行加权的方法给文字（蓝）、声音（橙）、面部（青）的份额，按此顺序。",
    ),
    "compare_mae": ("MAE", "平均绝对误差"),
    "compare_corr": ("Corr", "相关"),
    "compare_mae_hint": (
        "Mean absolute error with these modalities on speakers whom the method had never seen, lower is "
        "better: "
        "mean and standard deviation over {seeds} seeds.",
        "使用这些模态时，在从未见过的说话人上的平均绝对误差，越低越好：{seeds} 个随机种子的均值与标准差。",
    ),
    "compare_corr_hint": (
        "Pearson correlation of scores and labels with these modalities on speakers whom the method had "
        "never "
        "seen, 1 is best: mean and standard deviation over {seeds} seeds.",
        "使用这些模态时，在从未见过的说话人上分数与标签的皮尔逊相关系数，1 为最好：{seeds} "
        "个随机种子的均值与标准差。",
    ),
    "compare_chosen": ("chosen", "当前"),
    "compare_row": ("{title}: {score}, {interval}", "{title}：分数 {score}，{interval}"),
    "compare_note": (
        "MAE and Corr come from each method's card and are about 12 speakers of CMU-MOSI, "
        "not about this clip.",
        "平均绝对误差与相关来自各方法的说明卡，基于 CMU-MOSI 的 12 位说话人，而非这段视频。",
    ),
    "missing_title": ("When something is missing", "缺少信息时"),
    "missing_note": (
        "Mean absolute error on people never seen, lower is better, of one model a method that answers every "
        "column: 229 segments of CMU-MOSI with public features, five folds by video, mean and spread over "
        "{seeds} seeds. Each was trained with modalities and frames dropping, and stopped by its validation "
        "videos, never by the test. These are other weights than those of this page.",
        "从未见过的人上的平均绝对误差，越低越好；每种方法用同一个模型回答所有列：CMU-MOSI 的 229 "
        "个片段与公开特征，按视频分五折，{seeds} "
        "个随机种子的均值与标准差。训练时随机丢弃模态与帧，由验证视频决定停止，从不看测试集。"
        "这些权重不是本页面所用的权重。",
    ),
    "missing_mean": ("Mean of all six that lack something", "六种缺失情形的均值"),
    "missing_curve": ("As 0 to 100 % of frames and words drop", "丢弃 0 到 100 % 的帧与词时"),
    "missing_spoken": (
        "from {first} with everything to {last} with nothing",
        "从完整时的 {first} 到全无时的 {last}",
    ),
}

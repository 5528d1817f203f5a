"""What the tab of downloads and snippets says, and the report: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    # Files
    "take_away_files": ("Take it with you", "带走结果"),
    "take_away_kept": (
        "A file is made when you ask for it and stays on the server as your clip does. "
        "Only the report has pictures in it: faces and voice.",
        "文件在您点击时生成，在服务器上与您的视频保留同样长的时间。只有报告里含有图像：面部与声音。",
    ),
    "take_away_report": ("Report (HTML)", "报告（HTML）"),
    "take_away_report_hint": (
        "One page with pictures, scores and settings, that opens anywhere and loads nothing",
        "一页，含图像、分数与设置；随处可开，不加载任何外部内容",
    ),
    "take_away_json": ("Analysis (JSON)", "分析（JSON）"),
    "take_away_json_hint": (
        "What the command line prints with --json, but for the timings",
        "与命令行加 --json 输出的内容相同，用时除外",
    ),
    "take_away_npz": ("Features (npz)", "特征（npz）"),
    "take_away_npz_hint": (
        "For numpy and for this project: {sizes}; its array “about” explains every other",
        "供 numpy 与本项目使用：{sizes}；其中的 about 数组说明其余各数组",
    ),
    "take_away_pkl": ("Features (MMSA pkl)", "特征（MMSA pkl）"),
    "take_away_pkl_hint": (
        "For MMSA: one row of the split “test”, labelled with this score, which no person gave",
        "供 MMSA 使用：test 划分中的一行，标签即此分数，并非人工标注",
    ),
    "take_away_making": ("making the file", "正在生成文件"),
    # Snippets
    "take_away_again": ("Ask the same again", "重复同样的分析"),
    "take_away_again_hint": (
        "With the clip in the current folder, each of these gives the same numbers.",
        "把视频放在当前目录，以下每种方式都得到相同的数字。",
    ),
    "take_away_python": ("Python", "Python 代码"),
    "take_away_curl": ("curl", "curl 命令"),
    "take_away_command": ("Command line", "命令行"),
    "take_away_python_note": (
        "Needs “pip install gradio_client” and this page running.",
        "需要 pip install gradio_client，且本页面正在运行。",
    ),
    "take_away_curl_note": (
        "For a POSIX shell (Linux, macOS, WSL), with this page running.",
        "适用于 POSIX shell（Linux、macOS、WSL），且本页面正在运行。",
    ),
    "take_away_command_note": (
        "Runs without a server, in the project's folder.",
        "无需服务器，在项目目录中运行。",
    ),
    # Report
    "report_title": ("Fusebox report: {name}", "Fusebox 报告：{name}"),
    "report_made": ("made on {date}", "生成于 {date}"),
    "report_words_only": ("words alone", "仅文字"),
    "report_sentiment": ("Sentiment", "情感"),
    "report_modality": ("Modality", "模态"),
    "report_fuse": ("Fuse", "保险丝"),
    "report_in": ("in", "插上"),
    "report_out": ("pulled out", "已拔掉"),
    "report_absent": ("absent", "不存在"),
    "report_entropy": ("Entropy", "熵"),
    "report_imagined": ("Imagined by MFM in place of what is out", "MFM 对缺失部分的想象"),
    "report_transcript": ("Words", "文字"),
    "report_no_words": ("no words", "没有文字"),
    "report_settings": ("Settings", "设置"),
    "report_file": ("File", "文件"),
    "report_method": ("Fusion method", "融合方法"),
    "report_modalities": ("Modalities in use", "使用的模态"),
    "report_command": ("The same on the command line", "命令行中的同样分析"),
    "report_extractors": ("Extractor weights", "提取器权重"),
    "report_versions": ("Versions", "版本"),
    "report_scores_note": (
        "Scores run from −3 (strongly negative) to +3 (strongly positive); the true value lies inside an "
        "80 % interval for about four clips in five, of people whom the models had never seen.",
        "分数从 −3（强烈负面）到 +3（强烈正面）；在模型从未见过的人身上，"
        "大约五段视频中有四段的真实值落在 80 % 区间之内。",
    ),
    "report_caution": (
        "Research demo. Not for hiring, school, clinic or any decision about a person. "
        "This file may show a person's face and words: share it only with their consent.",
        "研究演示。不得用于招聘、学校、诊疗或任何关于个人的决定。"
        "本文件可能含有某人的面部和话语：须征得本人同意方可分享。",
    ),
}

"""What the tab of many files says: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    "tab_many": ("Many files", "多个文件"),
    "many_title": ("Many files", "多个文件"),
    "many_hint": ("Choose a file to open it in every tab", "点击任一文件，即可在各个标签页中打开它"),
    "many_about": (
        "Up to {most} clips or voices, read one after another with the method and the switches as they "
        "stand. A file that cannot be read says why in its row.",
        "最多 {most} 个视频或声音文件，使用当前的方法和开关逐个读取。无法读取的文件会在其所在行说明原因。",
    ),
    "many_files": ("Clips and voices", "视频和声音文件"),
    "many_read": ("Read them anew", "重新读取"),
    "many_save": ("Save as CSV", "保存为 CSV"),
    "many_progress": ("{done} of {count} read, now: {name}", "已读 {done}，共 {count}；正在读取：{name}"),
    "many_stopped": ("Stopped: {done} of {count} were read.", "已停止：共 {count} 个，读了 {done} 个。"),
    "many_left_out": (
        "Only the first {count} are read; give the other {left} afterwards.",
        "只读前 {count} 个；其余 {left} 个请稍后再给。",
    ),
    "many_file": ("File", "文件"),
    "many_score": ("Score, 80 % interval, −3 to +3", "分数与 80 % 区间，−3 到 +3"),
    "many_sure": ("Certainty: words · voice · face", "把握：文字 · 声音 · 面部"),
    "many_words": ("Words and notes", "文字与提示"),
    "many_failed": ("no score", "无分数"),
}

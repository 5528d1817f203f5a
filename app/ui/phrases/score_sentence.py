"""The sentence that reads an answer: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    "reading_only_text": ("only words can be read here", "这里只能分析文字"),
    "reading_only_audio": ("only the voice can be read here", "这里只能分析声音"),
    "reading_only_vision": ("only the face can be read here", "这里只能分析面部"),
    "reading_switched_text": ("only words are switched on", "现在只使用文字"),
    "reading_switched_audio": ("only the voice is switched on", "现在只使用声音"),
    "reading_switched_vision": ("only the face is switched on", "现在只使用面部"),
    "reading_decides_text": ("words decide", "文字起决定作用"),
    "reading_decides_audio": ("the voice decides", "声音起决定作用"),
    "reading_decides_vision": ("the face decides", "面部起决定作用"),
    "reading_decides_unsure": ("{decides}, though unsure", "{decides}，但没有把握"),
    "reading_decide": ("{names} decide together", "{names}共同起决定作用"),
    "reading_none_decides": ("no part decides alone", "没有哪一部分单独起决定作用"),
    "reading_against_text": ("words point the other way", "文字的方向相反"),
    "reading_against_audio": ("the voice points the other way", "声音的方向相反"),
    "reading_against_vision": ("the face points the other way", "面部的方向相反"),
    "reading_unsure_text": ("words are unsure", "文字没有把握"),
    "reading_unsure_audio": ("the voice is unsure", "声音没有把握"),
    "reading_unsure_vision": ("the face is unsure", "面部没有把握"),
    "reading_unsure": ("{names} are unsure", "{names}没有把握"),
    "reading_without": (
        "without {names} it would be {score}, {label}",
        "没有{names}时会是 {score}（{label}）",
    ),
}

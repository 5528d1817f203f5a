"""What the timeline says: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    "timeline_title": ("Moment by moment", "逐刻展开"),
    "timeline_hint": (
        "Choose a word, or a place on a track, to go there",
        "点击一个词或轨道上的任意位置，即可跳到那里",
    ),
    "timeline_no_player": ("Words alone have no time to play", "只有文字，没有可播放的时间"),
    "timeline_seconds": ("Seconds", "秒"),
    "timeline_pitch": ("Pitch", "音高"),
    "timeline_pitch_says": (
        "Pitch of the voice from {low} to {high} Hz, mostly about {middle}",
        "嗓音音高从 {low} 到 {high} Hz，多在 {middle} 左右",
    ),
    "timeline_loudness": ("Loudness", "响度"),
    "timeline_loudness_says": (
        "Loudness from {low} to {high} dB of full scale, mostly about {middle}",
        "响度从 {low} 到 {high} dB（相对满幅），多在 {middle} 左右",
    ),
    "timeline_valence": ("{name}: mood", "{name}：情绪倾向"),
    "timeline_valence_says": (
        "{name}: valence over time on the scale from −3 to +3, {mean} on average",
        "{name}：随时间的效价，范围 −3 到 +3，平均 {mean}",
    ),
    "timeline_emotion": ("Emotion", "表情"),
    "timeline_adds": ("{name}: adds", "{name}：贡献"),
    "timeline_adds_says": ("{title}. Strongest: {strongest}", "{title}。最强：{strongest}"),
    "timeline_at": (", {start} to {end} s", "，{start} 至 {end} 秒"),
    "timeline_window": ("{start} to {end} s", "{start} 至 {end} 秒"),
    "timeline_added": (": {value}", "：贡献 {value}"),
    "timeline_only": ("nothing is left without it", "没有它就无从评分"),
    "timeline_words_known": (
        "The words are where the speech recogniser heard them.",
        "词的位置来自语音识别。",
    ),
    "timeline_words_spread": (
        "Typed and translated words have no times: they are spread evenly over the voice or, without one, "
        "over the face, so their places are approximate.",
        "输入的文字和译文没有时间：它们被均匀铺在语音（没有语音时为面部）的时段上，位置只是近似。",
    ),
    "timeline_words_ordered": (
        "The words stand in their order.",
        "词按顺序排列。",
    ),
    "timeline_together": (
        "There are many of them: {count} neighbours are taken out together.",
        "词数较多：每次一起去掉相邻的 {count} 个。",
    ),
    "timeline_marks": (
        "A word that has no room is a bare mark: zoom in to read it.",
        "放不下的词只显示为标记：放大即可阅读。",
    ),
    "timeline_how": (
        "A bar says how far that part moves the score ({score}): up makes it more positive, down more "
        "negative. Each of the {parts} parts is taken out once, all in one batch; the words that are left "
        "are read again, for a word's state knows its neighbours.",
        "条形表示这一部分使分数（{score}）移动多少：向上更正面，向下更负面。共 {parts} 个部分，"
        "每次去掉一个，同批计算；剩下的文字会重新读取，因为每个词的状态都包含相邻词的信息。",
    ),
    "timeline_windows": (
        "Voice and face are taken out in windows of {window} s; what is left of the voice is not heard "
        "again.",
        "声音和面部按 {window} 秒的窗口去掉；剩下的声音不会重新提取。",
    ),
    "timeline_table": ("All contributions as a table", "以表格显示全部贡献"),
    "timeline_part": ("Part", "部分"),
    "timeline_from": ("From (s)", "开始（秒）"),
    "timeline_to": ("To (s)", "结束（秒）"),
    "timeline_moves": ("Moves the score by", "使分数移动"),
    "timeline_neutral": ("neutral", "平静"),
    "timeline_happiness": ("happy", "高兴"),
    "timeline_surprise": ("surprised", "惊讶"),
    "timeline_sadness": ("sad", "悲伤"),
    "timeline_anger": ("angry", "愤怒"),
    "timeline_disgust": ("disgusted", "厌恶"),
    "timeline_fear": ("afraid", "恐惧"),
    "timeline_contempt": ("contemptuous", "轻蔑"),
}

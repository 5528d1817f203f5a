"""What the tab of long recordings says: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    "recording_title": ("A recording, utterance by utterance", "逐句读完整段录音"),
    "recording_hint": ("Choose an utterance to open it in every tab", "点击任一句，即可在各个标签页中打开它"),
    "recording_about": (
        "A clip is scored as one utterance, and cut after two minutes. Here all of it is read, up to an "
        "hour: cut where voice or shot change, in pauses and at the ends of sentences, and each utterance "
        "is scored as a clip is, with the method and the switches as they stand.",
        "普通分析把视频当作一句话，且只读前两分钟。这里会读完整段（最长一小时）："
        "在换人、换镜头、停顿和句末处切开，每一句都像一段视频那样单独评分，使用当前的方法和开关。",
    ),
    "recording_read": ("Read utterance by utterance", "逐句读取"),
    "recording_whole": ("Back to the whole clip", "回到整段"),
    "recording_reads_all": ("The tab “Recording” reads all of it.", "“整段录音”标签页可以读完全部。"),
    "recording_nothing": (
        "Give a clip or a voice; words alone are one utterance.",
        "请提供视频或声音；仅有文字时就是一句话。",
    ),
    "recording_progress": ("{done} of {whole} read", "已读 {done}，共 {whole}"),
    "recording_progress_open": ("{done} read", "已读 {done}"),
    "recording_stopped": (
        "Stopped at {done}: this is what was read.",
        "已在 {done} 处停止：以下是已读的部分。",
    ),
    "recording_mean": ("On average", "平均"),
    "recording_highest": ("Most positive", "最正面"),
    "recording_lowest": ("Most negative", "最负面"),
    "recording_turns": ("Turns", "转折"),
    "recording_speaker": ("Speaker", "说话人"),
    "recording_score": ("Score", "分数"),
    "recording_sure": ("Certainty", "把握"),
    "recording_sure_says": (
        "Shares of certainty of words, voice and face, utterance by utterance",
        "每一句中文字、声音与面部各占的把握份额",
    ),
    "recording_words": ("Words", "文字"),
    "recording_time": ("Minutes", "分钟"),
    "recording_one": ("{time}, {speaker}: {score}. {text}", "{time} 处，{speaker}：{score}。{text}"),
    "recording_nobody": ("nobody speaks", "无人说话"),
    "recording_no_score": ("no score", "无分数"),
    "recording_face": ("face", "面部"),
    "recording_off_screen": ("off screen", "画外"),
    "recording_correct_speaker": (
        "Wrong? A click gives it to the next speaker",
        "不对？点击改为下一位说话人",
    ),
    "recording_correct_face": (
        "Wrong? A click says whether the face that is seen is the speaker's; another one's does not count",
        "不对？点击切换画面中的面部是否属于说话人；他人的面部不计入分数",
    ),
    "recording_silent": ("no words", "没有文字"),
    "recording_note": (
        "Speakers are told apart by their voices, which may go wrong: a click on a letter corrects it. "
        "Scores of short utterances are less certain than their band, measured on whole sentences.",
        "说话人只按嗓音区分，可能出错，点击字母即可改正。"
        "很短的句子，其分数比色带所示更不确定：色带是在至少一句话的视频上测得的。",
    ),
    "recording_save_report": ("Save report", "保存报告"),
    "recording_save": ("Save as {form}", "保存为 {form}"),
    "doing_recording": ("reading the recording", "正在读取录音"),
}

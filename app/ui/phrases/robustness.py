"""What the tab that disturbs a clip on purpose says: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    # Controls
    "stress_kind": ("What to disturb", "干扰什么"),
    "stress_kind_drop": ("Words dropped", "丢失单词"),
    "stress_kind_replace": ("Words replaced", "替换单词"),
    "stress_kind_noise": ("Noise on the voice", "声音加噪"),
    "stress_kind_mute": ("Voice muted in places", "声音部分静音"),
    "stress_kind_blur": ("Face blurred", "面部模糊"),
    "stress_kind_darken": ("Face darkened", "面部变暗"),
    "stress_kind_cover": ("Face partly covered", "面部部分遮挡"),
    "stress_strength": ("Strength", "强度"),
    "stress_strength_info": ("0 leaves everything untouched", "0 表示完全不动"),
    "stress_seed": ("Seed", "随机种子"),
    "stress_seed_info": ("The same seed hits the same places", "相同的种子命中相同的位置"),
    "stress_seed_unused": ("Nothing is left to chance in this kind", "这种干扰没有随机成分"),
    "stress_not_offered": ("Not offered here: {reasons}.", "此处不可选：{reasons}。"),
    "stress_pulled": ("{name} is pulled out", "{name}已拔掉"),
    # How much
    "stress_untouched": ("untouched", "原样"),
    "stress_blur": ("{value} px", "{value} 像素"),
    "stress_darken": ("{value} stops", "{value} 档"),
    "stress_of_drop": ("{amount} of the words dropped", "{amount} 的单词被丢失"),
    "stress_of_replace": ("{amount} of the words replaced", "{amount} 的单词被替换"),
    "stress_of_noise": ("{amount} voice over noise (SNR)", "信噪比 {amount}"),
    "stress_of_mute": ("{amount} of the time muted", "{amount} 的时间被静音"),
    "stress_of_blur": (
        "{amount} of blur (sigma) on a face of 48 pixels",
        "模糊标准差 {amount}（面部宽 48 像素）",
    ),
    "stress_of_darken": ("{amount} of light lost, half with each", "光线减少 {amount}，每档减半"),
    "stress_of_cover": ("{amount} of the picture covered", "{amount} 的画面被遮挡"),
    # What is disturbed
    "stress_given": ("What the methods are given", "方法得到的输入"),
    "stress_mel": (
        "Log-mel of the disturbed voice, {seconds} s, low pitch at the bottom",
        "受干扰声音的对数梅尔谱，{seconds} 秒，低音在下",
    ),
    "stress_listen": ("Listen to the disturbed voice, first {seconds} s", "听受干扰的声音，前 {seconds} 秒"),
    "stress_note_drop": (
        "Words struck out are dropped. They leave no gap: the text encoder reads what is left as one "
        "sentence.",
        "划掉的单词已丢失，不留空隙：文本编码器把剩下的当作一句话来读。",
    ),
    "stress_note_replace": (
        "Words struck out are replaced by the underlined ones, which come from the neutral phrases of our "
        "own phrase bank.",
        "划掉的单词被替换为带下划线的单词，后者取自我们自己短语库中的中性短语。",
    ),
    "stress_note_noise": (
        "Pink noise, measured against the mean power of the whole recording. "
        "The words stay as they are: speech is not recognised again.",
        "粉红噪声，以整段录音的平均功率为基准。文字保持不变：不会重新识别语音。",
    ),
    "stress_note_mute": (
        "Stretches of 0.2 s fall silent. The words stay as they are: speech is not recognised again.",
        "每段 0.2 秒变为静音。文字保持不变：不会重新识别语音。",
    ),
    "stress_note_blur": (
        "The face is blurred after it was found, in its crop of 48 pixels: in a film as blurred as that, "
        "it might not have been found at all.",
        "面部在找到之后、在 48 像素的裁剪图中被模糊：若整段视频都这么模糊，可能根本找不到面部。",
    ),
    "stress_note_darken": (
        "The face is darkened after it was found: in a film as dark as that, it might not have been found at "
        "all. Its encoder evens out brightness, so darkness hurts only where grey levels are lost.",
        "面部在找到之后才变暗：若整段视频都这么暗，可能根本找不到面部。"
        "编码器会抵消亮度变化，因此只有灰度细节丢失时才有影响。",
    ),
    "stress_note_cover": (
        "The face is covered with grey after it was found, from a side that the seed picks: "
        "behind a real hand it might not have been found at all.",
        "面部在找到之后被灰色遮住，从哪一侧由种子决定：若真的被手挡住，可能根本找不到面部。",
    ),
    # Scores
    "stress_title": ("Every method under stress", "压力之下的所有方法"),
    "stress_says": (
        "{method} says {after} instead of {before}.",
        "{method} 的分数为 {after}，原来是 {before}。",
    ),
    "stress_nothing_left": (
        "Nothing is left to judge: no other modality is switched on.",
        "已没有可供判断的内容：没有其他模态在使用。",
    ),
    "stress_turned": (
        "{count} of {all} methods change side at this strength.",
        "在此强度下，{all} 种方法中有 {count} 种改变了正负。",
    ),
    "stress_steady": (
        "Over the whole course {steady} moves least (by {least} on average), {shaky} most (by {most}).",
        "整个过程中 {steady} 变化最小（平均 {least}），{shaky} 变化最大（平均 {most}）。",
    ),
    "stress_plot": (
        "Scores of {count} methods from untouched to full strength. {method}: {course}.",
        "{count} 种方法从原样到最强干扰的分数。{method}：{course}。",
    ),
    "stress_method": ("Method", "方法"),
    "stress_before": ("Untouched", "原样"),
    "stress_after": ("Disturbed", "受干扰"),
    "stress_change": ("Change", "变化"),
    "stress_scale": ("From hollow to full, −3 to +3", "从空心到实心，−3 到 +3"),
    "stress_row": (
        "{method}: {before} untouched, {after} disturbed",
        "{method}：原样 {before}，受干扰 {after}",
    ),
    "stress_foot": (
        "No interval is shown: those beside the score were measured on undisturbed clips.",
        "此处不显示区间：分数旁的区间是在未受干扰的视频上测得的。",
    ),
}

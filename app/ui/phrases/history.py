"""What is said of answers before, beside each other, in a list and in a link: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    "tab_history": ("History", "历史"),
    "history_about": (
        "The answers of this visit, as figures; choose one to set it beside the present answer. "
        "They are in this page only, and go with it, unless you have them remembered.",
        "本次访问的各次结果（只有数字和文字）；点击任一项，即可与当前结果并排查看。"
        "它们只在本页面中，随页面消失，除非您选择记住。",
    ),
    "history_remember": (
        "Remember on this device: scores and words, never clips",
        "在此设备上记住：只记分数和文字，不含视频",
    ),
    "history_forget": ("Forget all", "全部忘记"),
    "history_title": ("Answers so far", "至今的结果"),
    "history_empty": ("No answer yet.", "还没有结果。"),
    "history_when": ("When", "时间"),
    "history_what": ("What", "内容"),
    "history_how": ("Method and fuses", "方法与保险丝"),
    "history_score": ("Score, −3 to +3", "分数，−3 到 +3"),
    "history_words_only": ("Words only", "仅文字"),
    "history_choose": ("Set beside: {what}, {score}", "并排查看：{what}，{score}"),
    "beside_keep": ("Keep beside", "留作对比"),
    "beside_remove": ("Remove", "移除"),
    "beside_nothing": ("There is no answer to keep yet.", "还没有可以保留的结果。"),
    "beside_title": ("Side by side", "并排对比"),
    "beside_kept": ("Kept", "保留的"),
    "beside_now": ("Now", "现在"),
    "beside_no_answer": ("no answer yet", "还没有结果"),
    "beside_differs": ("What differs:", "不同之处："),
    "beside_other_input": ("the input", "输入"),
    "beside_other_words": ("the words", "文字"),
    "beside_moved": ("the score by {moved}", "分数相差 {moved}"),
    "beside_sure": ("Certainty", "把握"),
    "link_copy": ("Copy link", "复制链接"),
    "link_copied": (
        "Copied: method, fuses, words and language, never the clip.",
        "已复制：方法、保险丝、文字和语言，不含视频。",
    ),
    "link_here": ("The link is in the address bar.", "链接已在地址栏中。"),
    "link_ignored": (
        "The link asks for what is not known here, which was left out: {parts}",
        "链接中有此处不认识的内容，已忽略：{parts}",
    ),
}

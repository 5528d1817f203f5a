"""What the tab of camera and microphone says: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    "tab_live": ("Live", "实时"),
    "live_about": (
        "Speak to camera and microphone: the score follows about once a second, with the method chosen on "
        "the page and the switches here. It stops by itself after five minutes. Nothing is stored.",
        "对着摄像头和麦克风说话：分数大约每秒更新一次，使用页面上所选的方法和这里的开关。五分钟后自动停止，"
        "不保存任何内容。",
    ),
    "live_start": ("Start", "开始"),
    "live_stop": ("Stop", "停止"),
    "live_begins": ("Listening and looking …", "正在听和看……"),
    "live_nothing_yet": ("Nobody is heard or seen yet", "还没有听到或看到人"),
    "live_all_off": ("All three switches are off: put one back", "三个开关都关掉了：请打开一个"),
    "live_clock": ("{done} of 5:00", "{done}，共 5:00"),
    "live_delay": ("{seconds} s behind", "延迟 {seconds} 秒"),
    "live_over": ("Stopped by itself after five minutes.", "五分钟已到，已自动停止。"),
    "live_stopped": ("Stopped.", "已停止。"),
    "live_lost": (
        "The server ended the stream, for nothing came for a while. Press Start to go on.",
        "有一段时间没有收到数据，服务器结束了这次实时分析。请点击“开始”继续。",
    ),
    "live_full": (
        "As many visitors are live as this server can follow. Please try again in a few minutes.",
        "正在实时分析的访客已达服务器的上限，请过几分钟再试。",
    ),
    "live_NotAllowedError": (
        "The browser does not allow this page camera and microphone. Allow them at the left of the address "
        "bar, then press Start again.",
        "浏览器没有允许本页使用摄像头和麦克风。请在地址栏左侧允许，然后再次点击“开始”。",
    ),
    "live_NotFoundError": (
        "No camera and no microphone was found. Connect one, then press Start again.",
        "没有找到摄像头或麦克风。请接上设备，然后再次点击“开始”。",
    ),
    "live_NotReadableError": (
        "Camera and microphone are in use by another program. Close that, then press Start again.",
        "摄像头和麦克风正被其他程序使用。请关闭该程序，然后再次点击“开始”。",
    ),
    "live_insecure": (
        "Browsers give camera and microphone only to pages at https:// or on this computer itself. Open the "
        "page there.",
        "浏览器只把摄像头和麦克风提供给 https:// 或本机上的页面。请用这样的地址打开。",
    ),
    "live_failed": (
        "Camera and microphone could not be started. Load the page again, or try another browser.",
        "无法启动摄像头和麦克风。请重新加载页面，或换一个浏览器。",
    ),
    "live_no_camera": ("No camera: voice and words alone.", "没有摄像头：只用声音和文字。"),
    "live_no_microphone": ("No microphone: the face alone.", "没有麦克风：只用面部。"),
    "live_last_minute": ("The last minute", "最近一分钟"),
    "live_hint": (
        "the score with its 80 % interval, and how the certainty is divided",
        "分数及其 80 % 区间，以及把握的分配",
    ),
    "live_score": ("Score", "分数"),
    "live_score_says": ("Score over the last minute, now {score}", "最近一分钟的分数，现在为 {score}"),
    "live_sure": ("Certainty", "把握"),
    "live_sure_says": (
        "Shares of certainty over the last minute, now {shares}",
        "最近一分钟各模态所占的把握，现在为 {shares}",
    ),
    "live_seconds": ("Seconds", "秒"),
    "live_now": ("now", "现在"),
    "live_words": ("Words", "文字"),
    "live_no_words": ("no words yet", "还没有文字"),
    "live_note": (
        "The score is of the last four to nine seconds, cut in a pause. Grey words may still change.",
        "分数针对最近四到九秒（在停顿处切开）。灰色的文字还可能改变。",
    ),
}

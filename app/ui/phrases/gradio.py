"""What Gradio's components say themselves: (English, Chinese).

Gradio fixes some of these when it draws a component, and says others in English always; so the page's script
replaces them where they stand. "#" stands for a number.
"""

from __future__ import annotations

GRADIO: list[tuple[str, str]] = [
    ("Drop Video Here", "将视频拖放到此处"),
    ("Drop Audio Here", "将音频拖放到此处"),
    ("- or -", "- 或 -"),
    ("Click to Upload", "点击上传"),
    ("Drop a video file here to upload", "将视频文件拖放到此处以上传"),
    ("Drop an audio file here to upload", "将音频文件拖放到此处以上传"),
    ("File upload", "上传文件"),
    ("Upload file", "上传文件"),
    ("Capture from camera", "用摄像头录制"),
    ("Record audio", "录制声音"),
    ("Clear", "清除"),
    ("play-pause-replay-button", "播放、暂停或重播"),
    ("Adjust volume", "调节音量"),
    ("Adjust playback speed to #x", "播放速度调为 # 倍"),
    ("Skip backwards by # seconds", "后退 # 秒"),
    ("Skip forward by # seconds", "前进 # 秒"),
    ("Play", "播放"),
    ("Pause", "暂停"),
    ("Record", "录制"),
    ("Stop", "停止"),
    ("full-screen", "全屏"),
    ("Reset video to initial value", "恢复原视频"),
    ("undo", "撤销"),
    ("Trim video to selection", "剪取所选片段"),
    ("Gradio footer navigation", "页脚"),
    ("Use via API", "通过 API 使用"),
]

"""Chinese for what the service says in English: labels, languages, notices and errors."""

from __future__ import annotations

LABELS_CHINESE = {
    "strongly negative": "强烈负面",
    "negative": "负面",
    "weakly negative": "略负面",
    "neutral": "中性",
    "weakly positive": "略正面",
    "positive": "正面",
    "strongly positive": "强烈正面",
}

LANGUAGES_CHINESE = {
    "Chinese": "中文",
    "Spanish": "西班牙文",
    "French": "法文",
    "German": "德文",
    "Italian": "意大利文",
    "Portuguese": "葡萄牙文",
    "Dutch": "荷兰文",
    "Turkish": "土耳其文",
    "Russian": "俄文",
    "Japanese": "日文",
    "Korean": "韩文",
    "Arabic": "阿拉伯文",
    "Hindi": "印地文",
}

# {code of a Notice: its text in Chinese}; the English text comes with the notice.
NOTICES_CHINESE = {
    "truncated": "视频超过 {seconds:g} 秒，只使用前 {seconds:g} 秒。",
    "damaged_parts": "文件有一部分损坏或缺失，无法读取；只使用其余部分。",
    "no_sound": "视频没有声音，因此听不到说话。",
    "no_sound_within": "视频的前 {seconds:g} 秒没有声音，因此听不到说话。",
    "no_voice": "声音是静音或太短，听不出嗓音。",
    "no_voice_within": "前 {seconds:g} 秒的声音是静音或太短，听不出嗓音。",
    "nobody_speaks": "声音中没有人说话；提示音、嗡嗡声或音乐不会被分析。",
    "nobody_speaks_within": "前 {seconds:g} 秒的声音中没有人说话；提示音、嗡嗡声或音乐不会被分析。",
    "no_picture": "视频没有画面，因此看不到面部。",
    "no_picture_within": "视频的前 {seconds:g} 秒没有画面，因此看不到面部。",
    "no_face": "画面中没有找到面部。",
    "no_face_within": "前 {seconds:g} 秒的画面中没有找到面部。",
    "no_speech": "声音中没有识别出文字；您可以自己输入。",
    "no_speech_within": "前 {seconds:g} 秒的声音中没有识别出文字；您可以自己输入。",
    "off_screen": "画面中的面部不是说话人的，因此不计入。",
    "no_words": "给出的文字中没有可以读取的单词；请用字母书写。",
    "long_text": "只读取大约前 {words} 个单词。",
    "not_english": "文字似乎不是英文，而是{language}。系统只懂英文，因此对文字的判断可能有误。",
    "translated": "说的是{language}：文字由小模型翻译，难免出错，因此区间更宽。",
    "unlike_training": "与模型的大部分训练数据不同：{modalities}。请降低对分数的信任。",
    "modality_absent": "这里没有{modalities}：分数仅来自{used}。",
}

READABLE_CHINESE = "视频请用 mp4、webm、mov、mkv 或 avi，声音请用 wav、mp3、ogg、flac 或 m4a"

# {code of an AnalysisError or MediaError: its text in Chinese}; the English text is the error's own.
ERRORS_CHINESE = {
    "wrong_features": "{modality} 的特征必须是一行或多行，每行 {width} 个数，绝对值不超过 {most:g}。",
    "needs_words": "{method} 直接读取文字，而特征中没有文字；请提供文字或视频，关闭文字，或换一种方法。",
    "no_space": "服务器的磁盘已没有空间存放临时文件；请过一分钟再试。",
    "no_memory": "服务器的内存不足；请过一分钟再试，或换较短的视频。",
    "machines_ended": "处理它的服务器已停止；请过一分钟再试。",
    "other_extractors": "读取视频的服务器与本页面的特征提取器不同；两者须为同一版本。",
    "readers_away": "读取视频的服务器没有应答；请过一分钟再试。",
    "too_large": "文件有 {size} MB，最多可分析 {limit:g} MB。请剪短或以更小的尺寸导出。",
    "too_slow": "文件未能在 {limit:g} 秒内解码。请换较短的视频，或以更小的尺寸导出，例如 720p mp4。",
    "too_much_memory": "解码该文件所需内存超过允许的 {limit:g} MB。请以更小的画面导出，例如 720p mp4。",
    "decoder_crashed": "该文件使解码器出错：它已损坏，或不是普通的视频。重新导出为 mp4 也许可以。",
    "damaged": "文件中没有可解码的内容：它已损坏或使用了未知编码。请重新导出。" + READABLE_CHINESE + "。",
    "missing": "找不到文件 {name}。",
    "empty": "文件是空的（0 字节）。" + READABLE_CHINESE + "。",
    "picture": "这是一张图片（{kind}），不是视频。" + READABLE_CHINESE + "。",
    "not_media": "文件 {suffix} 的内容不是可读取的视频或声音，或不完整。" + READABLE_CHINESE + "。",
    "no_streams": "文件中既没有可解码的画面，也没有声音。" + READABLE_CHINESE + "。",
    "frame_too_large": "画面为 {size} 像素，最多可读取 7680 x 4320。请以更小的尺寸导出。",
    "too_many_frames": "视频超过 {limit} 帧。请以每秒 60 帧以下导出，或剪短。",
    "no_sound": "所给的声音文件里没有声音。",
    "nothing_given": "没有任何输入；请给出视频、声音文件或文字。",
    "text_too_long": "文字有 {length} 个字符，最多可读取 {limit} 个。请缩短。",
    "asked_too_often": "每位访客每分钟最多可提问 {limit} 次；请在 {seconds} 秒后再试。",
    "live_block": "无法把浏览器发来的内容读作声音和画面；请重新加载页面。",
    "unknown_method": "没有名为 {asked} 的融合方法；已有：{known}。",
    "wrong_span": "{start} 秒到 {end} 秒不是视频的一段；终点必须在起点之后。",
    "over_before": "录音在 {start} 秒之前就结束了。请选择更早的部分。",
    "nothing_in_recording": "在整段录音中没有找到声音或面部。",
    "no_face_number": "{asked} 不是面部的编号；编号从 1 开始。",
    "no_such_face": "没有第 {asked} 张面部：共找到 {count} 张，从 1 开始编号。",
    "no_such_face_of_none": "没有第 {asked} 张面部：画面中未找到面部。",
    "unknown_modality": "没有名为 {asked} 的模态；已有：{known}。",
    "all_off": "全部都已关闭；请打开文字、声音或面部。",
    "stress_unused": "{modalities}没有在使用，无法干扰；请打开它，或干扰别的模态。",
    "picture_not_converted": "该文件的画面（{format}）无法转换。请重新导出为 mp4。",
    "sound_not_converted": "该文件的声音（{channels} 个声道，{rate} Hz）无法转换。"
    "请以一个或两个声道、48000 Hz 重新导出，例如 mp4 或 wav。",
    "nothing_used_damaged": "文件损坏，能读取的部分没有{modalities}；请打开{present}。",
    "nothing_used": "这里没有{modalities}；请打开{present}。",
    "nothing_used_within": "只读取前 {seconds:g} 秒，其中没有{modalities}；请打开{present}。",
    "nothing_present": "没有可以分析的内容。{reasons}请给出有人说话或露出面部的视频，或输入文字。",
    "nothing_present_within": "没有可以分析的内容。{reasons}"
    "请剪辑视频，使前 {seconds:g} 秒内有人说话或露出面部，或输入文字。",
}

"""What the first screen says: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    # Head and foot
    "title": (
        "Fusebox: words, voice and face into one sentiment",
        "Fusebox：文字、声音和面部合成一个情感分数",
    ),
    "tagline": ("words · voice · face → one sentiment", "文字 · 声音 · 面部 → 一个情感分数"),
    "language": ("Language", "语言"),
    "wrong_passwords": (
        "After {most} wrong passwords within a minute one has to wait.",
        "一分钟内输错 {most} 次密码后需稍等片刻。",
    ),
    "how": ("How it works", "工作原理"),
    "how_text": (
        "A clip is taken apart into three modalities: the **words** that are spoken, the **voice** "
        "that speaks them and the **face** that goes with them. A small network turns each into a "
        "series of states, and a fusion method joins the three series into one score from −3 "
        "(strongly negative) to +3 (strongly positive). Each modality is a fuse: switch it off and "
        "the method answers without it, from the same states, at once. **Share of certainty** compares "
        "the modalities by the entropy of their own guesses over seven classes: the surer a guess, the "
        "larger its share of the 1 that they divide. **Counts for** says how far the score moves when "
        "this one modality is pulled out. A number and its name go together everywhere: the name is that "
        "of the score as shown, rounded to one decimal (neutral up to 0.4, weakly up to 1.4, then plainly "
        "positive or negative, and strongly from 2.5). The 80 % interval comes from the errors on people "
        "whom the models had never "
        "seen: the true value lies inside it for about four clips in five.",
        "一段视频被拆成三种模态：说出的**文字**、说话的**声音**和相应的**面部**。"
        "小网络分别把它们变成一串状态，"
        "融合方法再把三串状态合成一个分数，从 −3（强烈负面）到 +3（强烈正面）。每种模态就像一根保险丝："
        "拔掉它，方法会立刻用同样的状态给出没有它时的答案。**把握占比**按各模态自身七级猜测的熵来比较："
        "猜测越确定，占比越大，合计为 1。**影响**表示单独拔掉这一模态时分数移动多少。"
        "数字与名称处处一致：名称取自所显示的一位小数的分数（0.4 以内为中性，1.4 以内为略正面或略负面，"
        "2.4 以内为正面或负面，2.5 起为强烈）。"
        "80 % 区间来自模型从未见过的人身上的误差：大约五段视频中有四段的真实值落在区间之内。",
    ),
    "how_method": ("A method in three sentences", "用三句话介绍一种方法"),
    "how_card": (
        "Its card: data, recipe and held-out figures (in English)",
        "说明卡：数据、训练方法与留出测试结果（英文）",
    ),
    "caution": (
        "Research demo. Not for hiring, school, clinic or any decision about a person. "
        "Uploads are deleted a minute after the page is closed, and within two hours in any case.",
        "研究演示。不得用于招聘、学校、诊疗或任何关于个人的决定。关闭页面一分钟后即删除上传的文件，最迟不超过两小时。",
    ),
    # Input
    "tab_clip": ("Clip", "视频"),
    "tab_audio": ("Voice only", "仅声音"),
    "tab_text": ("Words only", "仅文字"),
    "video": ("Upload or record a clip", "上传或录制视频"),
    "audio": ("Upload or record a voice", "上传或录制声音"),
    "cannot_play": (
        "Your browser cannot play this file; it may still be analysed.",
        "浏览器无法播放该文件，但也许仍可分析。",
    ),
    "text_hint": (
        "No clip needed: type a sentence below.",
        "不需要视频：在下面输入一句话即可。",
    ),
    "words": ("Words", "文字"),
    "words_placeholder": (
        "Leave empty to have the speech recognised, or type the words",
        "留空则自动识别语音，也可以直接输入（英文）",
    ),
    "words_empty": ("What is said in the clip, in English", "视频中说的话（英文）"),
    "words_recognised": (
        "Recognised: edit it if it is wrong, and analyse again",
        "自动识别：如有错误，请修改后重新分析",
    ),
    "words_translated": (
        "Translated from {spoken}: edit it if it is wrong, and analyse again. Said: {original}",
        "译自{spoken}：如有错误，请修改后重新分析。原话：{original}",
    ),
    "words_typed": ("Yours: used as written here", "您写的文字：按此处所写分析"),
    "words_example": ("From the example's script", "来自示例的台词"),
    "words_pending": ("Yours, not analysed yet: press Analyse", "您写的文字，尚未分析：请点击“分析”"),
    "words_none": ("No words were found: type them if there are any", "没有找到文字：如有，请输入"),
    "method": ("Fusion method", "融合方法"),
    "analyse": ("Analyse", "分析"),
    "cancel": ("Cancel", "取消"),
    "delete": ("Delete now", "立即删除"),
    "delete_hint": (
        "Deletes your clip, your words and the answer from the server and from this page.",
        "从服务器和此页面删除您的视频、声音、文字和结果。",
    ),
    "deleted": ("Deleted: add another clip, or try an example", "已删除：可添加其他视频，或试试示例"),
    "examples": ("Or try an example", "或者试试示例"),
    "examples_made": (
        "Drawn faces, synthetic voices, but for one portrait by NASA",
        "面部为绘制，声音为合成；仅一幅为 NASA 肖像照片",
    ),
    # Sentiment
    "sentiment": ("Sentiment", "情感"),
    "press": ("Press Analyse", "请点击“分析”"),
    "waiting": ("Add a clip, or try an example", "请添加视频，或试试示例"),
    "queue_place": ("place {place} of {all} in the queue", "排队第 {place} 位，共 {all} 位"),
    "cancelled": ("Cancelled: press Analyse to ask again", "已取消：可再次点击“分析”"),
    "all_out": ("All three fuses are out: put one back", "三根保险丝都拔掉了：请插回一根"),
    "interval": ("80 % interval {low} … {high}", "80 % 区间 {low} … {high}"),
    "by": ("by {method}", "方法：{method}"),
    "negative": ("negative", "负面"),
    "positive": ("positive", "正面"),
    "gauge": (
        "Sentiment {score} on a scale from −3 to +3: {label}. {interval}.",
        "情感 {score}，范围 −3 到 +3：{label}。{interval}。",
    ),
    "gauge_empty": ("Scale from −3 to +3, no score yet", "范围 −3 到 +3，尚无分数"),
    "was_with": ("was {score} with {names}", "有{names}时为 {score}"),
    "was_without": ("was {score} without {names}", "没有{names}时为 {score}"),
    "was_method": ("was {score} by {method}", "{method} 的分数为 {score}"),
    "was_face": ("was {score} with the face before", "更换面部之前为 {score}"),
    "was_words": ("was {score} with the words before", "修改文字之前为 {score}"),
    # Fuses
    "fuses": ("Fuses", "保险丝"),
    "fuses_hint": (
        "Switch one off to see the score without it",
        "拔掉一根，看看没有它时的分数",
    ),
    "text": ("Words", "文字"),
    "audio_name": ("Voice", "声音"),
    "vision": ("Face", "面部"),
    "sure": ("Share of certainty", "把握占比"),
    "sure_hint": (
        "How the certainty is divided among the modalities in use (softmax of the negative entropies of "
        "their "
        "guesses): the shares add up to 1 and are not the weights of this method.",
        "把握在所用各模态之间的分配（对各自猜测的负熵做 softmax）：合计为 1，并不是该方法的权重。",
    ),
    "sure_hint_fusion": (
        "How the certainty is divided among the modalities in use (softmax of the negative entropies of "
        "their "
        "guesses): the shares add up to 1, and {method} fuses the modalities with exactly these weights.",
        "把握在所用各模态之间的分配（对各自猜测的负熵做 softmax）：合计为 1，{method} "
        "正是用它们作为权重来融合各模态。",
    ),
    "no_certainty": (
        "How sure each modality is stays unknown: MLA, which tells it, was not trained for these extractors.",
        "无法得知各模态的把握：负责给出把握的 MLA 没有针对这些特征提取器训练过。",
    ),
    "in_words_alone": ("Alone, the method says {alone}.", "仅凭它，方法判断为{alone}。"),
    "entropy": ("entropy {value} / {most}", "熵 {value} / {most}"),
    "guess": ("Its guess", "它的猜测"),
    "guess_hint": (
        "The probabilities that this modality by itself gives the seven classes from −3 (strongly "
        "negative) to "
        "+3 (strongly positive), on the same scale from 0 to 1 in every row: one tall bar is a sure guess, "
        "many low ones are an unsure one.",
        "该模态自身给出的七个级别的概率，从 −3（强烈负面）到 +3（强烈正面），每一行都用 0 到 1 的同一刻度："
        "一根高条表示确定，许多矮条表示不确定。",
    ),
    "guess_says": (
        "{name}: most likely {label}, probability {value}",
        "{name}：最可能是{label}，概率 {value}",
    ),
    "in_words": (
        "Most likely {likeliest} (probability {value}); alone, the method says {alone}.",
        "最可能是{likeliest}（概率 {value}）；仅凭它，方法判断为{alone}。",
    ),
    "alone": ("Alone", "单独"),
    "alone_hint": (
        "The score from −3 to +3 that the chosen method gives when it gets this modality alone.",
        "所选方法仅用该模态得到的分数，范围 −3 到 +3。",
    ),
    "counts": ("Counts for", "影响"),
    "counts_hint": (
        "How far the score moves, in either direction, when this modality alone is pulled out (occlusion).",
        "单独拔掉该模态时，分数向任一方向移动多少（遮挡法）。",
    ),
    "own": ("{kind} weight", "{kind}权重"),
    "weights_attention": ("Attention", "注意力"),
    "weights_global": ("Global", "全局"),
    "weights_meta": ("Meta", "元模态"),
    "weights_confidence": ("Confidence", "置信度"),
    "own_hint": (
        "The weight that {method} itself gives this modality inside its fusion, which need not follow how "
        "certain the modality is.",
        "{method} 在融合中自己赋予该模态的权重，不一定与该模态的把握一致。",
    ),
    "pulled": ("pulled out", "已拔掉"),
    "absent_text": ("no words in this input", "输入中没有文字"),
    "absent_audio": ("no voice in this input", "输入中没有声音"),
    "absent_vision": ("no face in this input", "输入中没有面部"),
    "subsets": ("With every set of fuses", "每一种保险丝组合"),
    "subsets_name": ("Fuses in", "插上的保险丝"),
    "subsets_score": ("Score", "分数"),
    "subsets_scale": ("Score and 80 % interval, −3 to +3", "分数与 80 % 区间，−3 到 +3"),
    # Tabs
    "tab_evidence": ("Seen and heard", "所见所闻"),
    "tab_imagined": ("Imagined", "想象"),
    "tab_why": ("Why", "为什么"),
    "tab_timeline": ("Timeline", "时间线"),
    "tab_recording": ("Recording", "整段录音"),
    "tab_compare": ("Compare", "比较"),
    "tab_stress": ("Stress", "压力测试"),
    "tab_take_away": ("Take away", "带走"),
    "nothing_yet": ("Analyse a clip first: this tab then shows it.", "请先分析一段视频，结果会显示在这里。"),
    "zoom": ("Zoom", "缩放"),
    "zoom_fit": ("Fit", "适应宽度"),
    # Evidence
    "faces": ("Faces", "面部"),
    "faces_count": ("found in {count} frames", "在 {count} 帧中找到"),
    "faces_several": ("{count} found, face {used} is used", "找到 {count} 张，使用第 {used} 张"),
    "faces_speaking": (
        "{count} found, face {used} is used: its mouth moves with the sound",
        "找到 {count} 张，使用第 {used} 张：其口型与声音同步",
    ),
    "faces_choice": ("Face to use", "使用哪张面部"),
    "face_number": ("Face {number}", "面部 {number}"),
    "face_number_speaking": ("Face {number}, speaks", "面部 {number}，正在说话"),
    "faces_none": ("no face to show", "没有可显示的面部"),
    "face_at": ("Face at {seconds} s", "{seconds} 秒处的面部"),
    "log_mel": ("Voice", "声音"),
    "log_mel_caption": (
        "log-mel, {seconds} s, low pitch at the bottom",
        "对数梅尔谱，{seconds} 秒，低音在下",
    ),
    "log_mel_none": ("no sound to show", "没有可显示的声音"),
    "timings": ("Time taken", "用时"),
    "timings_all": ("{seconds} s in all", "共 {seconds} 秒"),
    "milliseconds": ("{count} ms", "{count} 毫秒"),
    "stage_decode": ("decode", "解码"),
    "stage_speech": ("speech", "语音识别"),
    "stage_text": ("words", "文字"),
    "stage_audio": ("voice", "声音"),
    "stage_vision": ("face", "面部"),
    "stage_fusion": ("fusion", "融合"),
    # Waiting
    "loading": ("Loading …", "正在加载……"),
    "doing": ("working", "处理中"),
    "doing_decoding": ("opening the clip", "正在打开视频"),
    "doing_listening": ("recognising the speech", "正在识别语音"),
    "doing_reading": ("reading the words", "正在理解文字"),
    "doing_hearing": ("hearing the voice", "正在分析声音"),
    "doing_watching": ("looking for the face", "正在寻找面部"),
    "doing_fusing": ("fusing", "正在融合"),
    "doing_imagined": ("imagining what is missing", "正在想象缺失的部分"),
    "doing_why": ("asking the method", "正在查看方法内部"),
    "doing_timeline": ("taking out each part in turn", "正在逐一去掉各部分"),
    "doing_compare": ("asking every method", "正在询问所有方法"),
    "doing_stress": ("disturbing the input", "正在干扰输入"),
    "doing_take_away": ("writing it down", "正在整理"),
    # Errors
    "error_unexpected": (
        "Something went wrong on our side; the reason is in the server's log. Another clip may work.",
        "服务器出了问题，原因已记入日志。换一段视频也许可以。",
    ),
    "error_busy": (
        "Many people are asking: {limit} questions are waiting, the most there may be. "
        "Please try again in a minute.",
        "现在提问的人很多：已有 {limit} 个问题在排队，达到上限。请一分钟后再试。",
    ),
    "error_gone": (
        "The clip is no longer on the server: uploads are deleted after a while. Please add it again.",
        "该视频已不在服务器上：上传的文件会定期删除。请重新添加。",
    ),
    "need_clip": ("Add a clip first, or try an example.", "请先添加视频，或试试示例。"),
    "need_audio": ("Add or record a voice first.", "请先添加或录制声音。"),
    "need_text": ("Type a sentence first.", "请先输入一句话。"),
}

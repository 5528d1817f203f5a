"""What the tab of imagined modalities says, and the fuses about them: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    "imagined_title": ("In the place of what is missing", "缺失模态的替身"),
    "imagined_some": (
        "Whatever is marked imagined is not in the input: a model makes it up for what it is not shown.",
        "标有“想象”的内容都不在输入中：这是模型为它看不到的模态想象出来的。",
    ),
    "imagined_nothing": (
        "Nothing has to be imagined: words, voice and face all take part. Pull a fuse to see what takes its "
        "place. Below is what would stand in for each one if it alone were pulled out, beside the real one.",
        "无需想象：文字、声音和面部都在。拔掉一根保险丝，看看什么会取代它。"
        "下面是单独拔掉每一个时的替身，旁边是真实的那个。",
    ),
    "imagined_unavailable": (
        "MFM, which imagines what is missing, has no weights that fit here; the server's log says why.",
        "负责想象缺失模态的 MFM 在这里没有合适的权重；原因见服务器日志。",
    ),
    "imagined_unreadable": (
        "Nothing is imagined here: the states of these extractors can be scored, but nothing draws, hums or "
        "words them.",
        "这里没有想象：这些特征提取器的状态可以评分，但没有工具能把它们画出来、哼出来或变成文字。",
    ),
    "imagined_badge": ("imagined", "想象"),
    "imagined_real": ("real", "真实"),
    "imagined_by": ("{name}, from {names}, by {method}", "{name}，根据{names}，由 {method} 想象"),
    "imagined_nothing_real": ("no {name} in this input to compare with", "输入中没有{name}可供比较"),
    "imagined_glimpse": ("imagined by MFM from {names}", "由 MFM 根据{names}想象"),
    # Pictures
    "imagined_mel": (
        "log-mel of the imagined voice, {seconds} s, low pitch at the bottom",
        "想象的声音的对数梅尔谱，{seconds} 秒，低音在下",
    ),
    "imagined_mel_real": ("log-mel of the real voice at the same time", "同一时段真实声音的对数梅尔谱"),
    "imagined_listen": (
        "Listen to imagined tone of voice {number}, hummed, {seconds} s",
        "播放哼出的想象语调 {number}，{seconds} 秒",
    ),
    "imagined_listen_mean": (
        "Listen to the mean of eight imagined tones of voice, hummed, {seconds} s",
        "播放哼出的八种想象语调的平均，{seconds} 秒",
    ),
    "imagined_mean": ("mean", "平均"),
    "imagined_listen_real": (
        "Listen to the real tone of voice, hummed, {seconds} s",
        "播放哼出的真实语调，{seconds} 秒",
    ),
    "imagined_hums": (
        "The mean of eight tones of voice, then four that would fit as well, hummed, exaggerated: pitch, "
        "range and pace. Which words, and who says them, is not imagined. The real voice is hummed in "
        "the same way, not exaggerated, at the pitch that its tone lets one expect: how high this person "
        "usually speaks is not known.",
        "先是八种语调的平均，然后是四种同样合适的语调，经夸张后以哼唱呈现：音高、音域和语速。不想象说了什么、是谁在说。"
        "真实声音也用同样的方式哼出，但不夸张，音高取其语调所对应的高度：这个人平时说话有多高并不知道。",
    ),
    "imagined_hums_one": (
        "The tone of voice, hummed: pitch, range and pace. Which words, and who says them, is not imagined.",
        "以哼唱呈现的语调：音高、音域和语速。不想象说了什么、是谁在说。",
    ),
    "imagined_pitch": ("pitch {pitch} semitones from usual", "音高相对平时 {pitch} 个半音"),
    "imagined_melody": (
        "range {range} semitones, {pace} syllables/s",
        "音域 {range} 个半音，每秒 {pace} 个音节",
    ),
    "imagined_performance": (
        "A drawn stand-in performs the imagined expression over time",
        "绘制的替身随时间表演想象的表情",
    ),
    "imagined_performed": ("over time", "随时间"),
    "imagined_stand_in": (
        "Draw {number}: the stand-in's mean expression",
        "第 {number} 次抽样：替身的平均表情",
    ),
    "imagined_stand_ins": (
        "A drawn stand-in, the same for everyone: an expression is imagined, not a person. First, over time, "
        "the mean of eight draws, then four draws that would fit as well. What the input says is exaggerated "
        "twelve times, as in a caricature: faces of people who speak are mostly calm, and so are imagined "
        "ones.",
        "绘制的替身，对所有人都一样：想象的是表情，不是某个人。先是八次抽样的平均随时间的表演，然后是四次同样合适的抽样。"
        "输入所表达的内容如漫画般夸张到十二倍：人们说话时的面部大多平静，想象出来的也是如此。",
    ),
    "imagined_stand_ins_one": (
        "A drawn stand-in, the same for everyone: an expression is imagined, not a person. Over time, and on "
        "average.",
        "绘制的替身，对所有人都一样：想象的是表情，不是某个人。先是随时间的表演，然后是平均表情。",
    ),
    "imagined_nobody": (
        "Draw {number}: the same expression on a face of nobody",
        "第 {number} 次抽样：同样的表情，画在不存在的人脸上",
    ),
    "imagined_nobodies": (
        "Below each, the same expression by a face decoder, on the face of a person who does not exist: "
        "whose face it is says nothing about who speaks.",
        "下方由面部解码器把同样的表情画在不存在的人脸上：那是谁的脸，与说话者无关。",
    ),
    "imagined_phrases": (
        "Phrases of ours, each with its score, as good or as bad as what was imagined and nearest to it: to "
        "the mean of eight draws, then to four that would fit as well",
        "短语库中与想象内容好坏相当且最接近的短语及其分数：先是八次抽样的平均，然后是四次同样合适的抽样",
    ),
    "imagined_arousal": (
        "They are {level} for such a score, as the {names} here: where people just talk, the arousal of "
        "their words has little to do with it.",
        "与这里的{names}一样，它们在同样分数的短语中{level}；人们平常说话时，文字的唤醒度与此关系不大。",
    ),
    "imagined_arousal_one": (
        "It is {level} for such a score, as the {names} here: where people just talk, the arousal of their "
        "words has little to do with it.",
        "与这里的{names}一样，它在同样分数的短语中{level}；人们平常说话时，文字的唤醒度与此关系不大。",
    ),
    "imagined_calm": ("calm", "较平静"),
    "imagined_middling": ("neither calm nor excited", "不平静也不激动"),
    "imagined_excited": ("excited", "较激动"),
    "imagined_phrases_one": (
        "the phrase of ours as good or as bad as what was imagined and nearest to it, with its score",
        "短语库中与想象内容好坏相当且最接近的短语及其分数",
    ),
    "imagined_phrase": ("score {score}", "分数 {score}"),
    "imagined_folded": (
        "No better than chance here: the label's polarity in {agreement} of clips of unseen people, chance "
        "{chance}. Show it all the same",
        "这里不比随机好：在从未见过的人的视频中与标签极性一致的占 {agreement}，随机为 {chance}。仍要显示",
    ),
    # Controls
    "imagined_move": ("Move what all share (Z_y)", "移动共享因子 (Z_y)"),
    "imagined_move_info": (
        "MFM splits what it knows into a shared factor, which gives the score, and each modality's own",
        "MFM 把所知分成决定分数的共享因子和各模态自己的因子",
    ),
    "imagined_shared": ("Score of the shared factor", "共享因子给出的分数"),
    "imagined_shared_info": (
        "What follows it is what sentiment means to MFM; what stays is the modality's own",
        "随之改变的是 MFM 眼中的情感，不变的属于模态自己",
    ),
    "imagined_seed": ("Number of the draw", "抽样编号"),
    "imagined_seed_info": (
        "Another number draws other faces, voices and phrases of the same shared factor",
        "换一个数字，就抽出同一共享因子下的其他面部、声音和短语",
    ),
    "imagined_curve": ("polarity over time, −3 to +3", "极性随时间的变化，−3 到 +3"),
    "imagined_curve_steps": ("polarity step by step, −3 to +3", "逐步的极性，−3 到 +3"),
    "imagined_curve_says": (
        "Polarity of the imagined {name}: from {low} to {high}, on average {mean}.",
        "想象的{name}的极性：从 {low} 到 {high}，平均 {mean}。",
    ),
    "imagined_curve_real": (
        "The real one: from {low} to {high}, on average {mean}.",
        "真实的：从 {low} 到 {high}，平均 {mean}。",
    ),
    # Facts
    "imagined_polarity": ("Polarity {reading}, {side}.", "极性 {reading}，{side}。"),
    "imagined_real_same": ("The real one agrees: {reading}.", "真实的与之一致：{reading}。"),
    "imagined_real_other": ("The real one disagrees: {reading}.", "真实的与之相反：{reading}。"),
    "imagined_real_neutral": ("The real one has {reading}.", "真实的为 {reading}。"),
    "imagined_score_same": ("The score agrees: {score}.", "分数与之一致：{score}。"),
    "imagined_score_other": ("The score disagrees: {score}.", "分数与之相反：{score}。"),
    "imagined_score_neutral": ("The score is {score}.", "分数为 {score}。"),
    "imagined_error": (
        "Error {error}, where the average of the training data has {mean}: {verdict}.",
        "误差 {error}，训练数据平均值的误差为 {mean}：{verdict}。",
    ),
    "imagined_nearer": ("nearer to the truth", "更接近真实"),
    "imagined_no_nearer": ("no nearer to the truth", "并未更接近真实"),
    "imagined_trust": (
        "On people whom the models had never seen, the {name} imagined from {names} had the label's polarity "
        "in {agreement} of {clips} clips (chance {chance}, the real one {real}).",
        "在模型从未见过的人身上，根据{names}想象的{name}在 {clips} 段视频的 {agreement} 中与标签极性一致"
        "（随机 {chance}，真实的 {real}）。",
    ),
    "imagined_trust_not": (
        "On people whom the models had never seen, the {name} imagined from {names} had the label's polarity "
        "in {agreement} of {clips} clips, no better than chance ({chance}): take it as decoration.",
        "在模型从未见过的人身上，根据{names}想象的{name}在 {clips} 段视频的 {agreement} 中与标签极性一致，"
        "不比随机（{chance}）好：只当作装饰。",
    ),
    "imagined_trust_gain": (
        "Trust the mood, not the details: those were no nearer to the real ones than an average.",
        "可信的是情绪，而不是细节：细节并不比平均值更接近真实。",
    ),
    "imagined_trust_unknown": (
        "How far {method} can be trusted here has not been measured: take it as decoration.",
        "尚未测量 {method} 在这里的可信程度：只当作装饰。",
    ),
    "imagined_note": (
        "Polarity is what the modality's own extractor reads in the states, whoever made them; 0 is neutral. "
        "Error is the mean square of the standardised states over the steps that have the real one. Both are "
        "of the mean of eight draws, where a method draws; the first four are shown.",
        "极性是该模态自身的提取器从状态中读出的结果，无论状态由谁产生；0 为中性。"
        "误差是在有真实值的各步上标准化状态的均方误差。若方法会抽样，两者都取八次抽样的平均，这里显示前四次。",
    ),
    "imagined_moved": (
        "You moved the shared factor towards {score}: this is no inference from the input, and nothing was "
        "measured of it.",
        "你把共享因子移向了 {score}：这不是由输入推断的结果，也没有相应的测量。",
    ),
    # TATE
    "imagined_tate": (
        "TATE itself, the method chosen, fills in its own encoding of what it is not shown, which can be "
        "neither seen nor heard. Its distance from the encoding of TATE's teacher, who is shown everything:",
        "所选方法 TATE 自身会补上它看不到的编码，这种编码既看不见也听不到。"
        "它与看到全部内容的 TATE 教师网络编码的距离：",
    ),
    "imagined_tate_row": (
        "{name}: {hidden} without it, {shown} with it.",
        "{name}：没有它时 {hidden}，有它时 {shown}。",
    ),
    "imagined_tate_none": (
        "TATE itself, the method chosen, can only be compared with its teacher where the input has words, "
        "voice and face.",
        "只有当输入同时包含文字、声音和面部时，所选方法 TATE 才能与它的教师网络比较。",
    ),
}

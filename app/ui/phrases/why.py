"""What the tab with each method's own traces says: {key: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    "why_title": ("Why {method} says {score}", "{method} 为什么给出 {score}"),
    "why_subset": ("with {names}", "使用{names}"),
    "why_paper": ("Paper:", "论文："),
    "why_departs": (
        "Where this implementation departs from it:",
        "本实现与论文的不同之处（英文）：",
    ),
    "why_origin_mclea": (
        "Adapted from entity alignment: no paper uses this method for sentiment.",
        "改自实体对齐方法：没有论文将它用于情感分析。",
    ),
    "why_origin_meaformer": (
        "Adapted from entity alignment: no paper uses this method for sentiment.",
        "改自实体对齐方法：没有论文将它用于情感分析。",
    ),
    "why_origin_lrcmt": (
        "Rebuilt from the paper's abstract, the only part that could be read.",
        "根据论文摘要重建：只能读到摘要部分。",
    ),
    # How to read it, one entry a method
    "why_read_lmf": (
        "LMF multiplies words, voice and face a few times over, once per rank, and adds the products up: "
        "a bar to the right makes the score more positive, one to the left more negative.",
        "LMF 对文字、声音和面部做几次乘积（每个秩一次）再相加：条形向右使分数更正面，向左使分数更负面。",
    ),
    "why_read_tfn": (
        "TFN multiplies the modalities in every combination; a bar says how large a part one combination "
        "has in what the next layer reads, not in which direction it pulls.",
        "TFN 把各模态以所有组合相乘；条形表示一种组合在下一层输入中占多大份额，而不是把分数拉向哪边。",
    ),
    "why_read_ef_lstm": (
        "EF-LSTM reads words, voice and face joined into one stream, so nothing in it belongs to one of "
        "them; the length of its memory after each step shows where the utterance changed its mind.",
        "EF-LSTM 把文字、声音和面部合成一条流来读，内部没有专属某一模态的部分；"
        "每一步之后记忆的长度显示它在哪里改变了看法。",
    ),
    "why_read_mfn": (
        "At each step MFN attends to what changed in its memories of words, voice and face: the colours of "
        "a column share that attention out, the bars below say how much is let into the shared memory.",
        "MFN 在每一步关注文字、声音和面部记忆中发生的变化：一列中的颜色分配这份注意力，"
        "下面的条形表示多少内容进入共享记忆。",
    ),
    "why_read_mfm": (
        "MFM splits what it knows into one latent for the score and one for each modality alone; about 1 is "
        "the length it expects, longer is more unusual.",
        "MFM 把所知分成一个决定分数的潜变量和各模态私有的潜变量；长度约为 1 是它的预期，越长越不寻常。",
    ),
    "why_read_mfm_ef_lstm": (
        "MFM's latents, each expected to be about 1 long; the one for the score is read by an EF-LSTM, whose "
        "memory is drawn below while all three modalities are there.",
        "MFM 的潜变量，预期长度约为 1；用于分数的潜变量由 EF-LSTM 读出，三种模态都在时下方画出它的记忆。",
    ),
    "why_read_mfm_tfn": (
        "MFM's latents, each expected to be about 1 long; the one for the score is read from TFN's products "
        "of words, voice and face, all at once.",
        "MFM 的潜变量，预期长度约为 1；用于分数的潜变量从 TFN 的文字、声音和面部的乘积中一次读出。",
    ),
    "why_read_mla": (
        "MLA lets each modality guess alone and trusts a guess the more, the lower its entropy: the weights "
        "are the softmax of the negative entropies.",
        "MLA 让每个模态单独猜测，猜测的熵越低就越受信任：权重是负熵的 softmax。",
    ),
    "why_read_late": (
        "Late fusion reads a score from each modality alone; the answer is the plain mean of the bars.",
        "后期融合从每个模态单独读出一个分数；答案就是这些条形的平均值。",
    ),
    "why_read_concat": (
        "Concat fusion feeds everything into one network and has no trace of its own to show: the score is "
        "all it gives. What the score does when a modality is pulled out is shown instead.",
        "拼接融合把一切送入同一个网络，没有自己的内部痕迹可以展示，只给出分数。"
        "这里改为显示拔掉某个模态时分数的变化。",
    ),
    "why_read_lrcmt": (
        "In LRCMT voice and face attend to each other, then the words attend to both: a row is who reads, a "
        "column the moment that is read, and the stronger the colour, the more attention.",
        "在 LRCMT 中，声音和面部先相互关注，再由文字关注二者：行是读取者，列是被读取的时刻，"
        "颜色越深注意力越多。",
    ),
    "why_read_tfr_net": (
        "In TFR-Net a gate between 0 and 1 says how much of each moment reaches the score; below it, which "
        "moments of the others each modality attends to.",
        "在 TFR-Net 中，0 到 1 之间的门控表示每个时刻有多少进入分数；其下是每个模态关注其他模态的哪些时刻。",
    ),
    "why_read_tate": (
        "TATE is told by a tag what is missing, and must read the tag back from what it made of the rest: "
        "the nearer the two columns, the better it remembers what it lacks; 0.50 means that it does not "
        "know.",
        "TATE 用标签得知缺少什么，并须从编码中读回该标签：两列越接近，说明它越清楚自己缺什么；"
        "0.50 表示它并不知道。",
    ),
    "why_read_mclea": (
        "MCLEA learned one weight for each modality in training, the same for every clip; what is pulled out "
        "leaves its share to the others.",
        "MCLEA 在训练中为每个模态学到一个权重，对每段视频都相同；被拔掉的模态把份额让给其余模态。",
    ),
    "why_read_meaformer": (
        "In MEAformer the modalities attend to each other; the attention that one receives from all, "
        "softened, is its meta weight in this clip.",
        "在 MEAformer 中各模态相互关注；一个模态从所有模态得到的注意力经过平滑，就是它在这段视频中的元权重。",
    ),
    "why_read_qmf": (
        "QMF lets each modality guess alone and counts a guess by its energy: the larger the evidence in its "
        "logits, the more confident.",
        "QMF 让每个模态单独猜测，并按能量衡量：logits 中的证据越大，置信度越高。",
    ),
    "why_read_mmin": (
        "MMIN imagines the embeddings of what is missing from what is there, and scores both together; a "
        "length of 1 is that of a real embedding.",
        "MMIN 根据已有模态想象缺失模态的嵌入，再一起打分；长度为 1 相当于真实的嵌入。",
    ),
    "why_read_other": (
        "What this method reports of itself, under the names that it gives.",
        "该方法自身报告的内容，使用它自己的名称。",
    ),
    # LMF, TFN
    "why_lmf_terms": ("Rank terms", "秩项"),
    "why_lmf_term": ("Rank {rank}", "秩 {rank}"),
    "why_lmf_constant": ("Constant", "常数"),
    "why_lmf_sum": ("Together they make {sum}.", "合计为 {sum}。"),
    "why_lmf_limit": (
        "The scale ends there: the score is {score}.",
        "超出量程：分数为 {score}。",
    ),
    "why_tfn_blocks": ("The seven blocks of the cube", "张量的七个块"),
    "why_tfn_note": (
        "Shares of the squared length of what each block adds to the next layer; a block with a modality "
        "that is not used is empty.",
        "各块对下一层贡献的平方长度所占份额；含有未使用模态的块为空。",
    ),
    "why_on_average": ("{title}, on average: {values}", "{title}，平均：{values}"),
    "why_step": ("Step", "步骤"),
    "why_table": ("All values as a table", "以表格显示全部数值"),
    # EF-LSTM, MFN, MFM
    "why_steps_note": (
        "Steps are words where there are any, else seconds; · is a step without a word of its own. A word "
        "that "
        "has no room is a bare mark: zoom in to read it.",
        "有文字时每一步是一个词，否则为秒数；· 表示没有对应词的步骤。放不下的词只显示为标记：放大即可阅读。",
    ),
    "why_ef_lstm_norm": ("Length of the memory", "记忆的长度"),
    "why_ef_lstm_change": (
        "How much each step changed that length",
        "每一步使该长度改变了多少",
    ),
    "why_mfn_words": ("Attention to the words, step by step", "逐步对文字的注意力"),
    "why_mfn_steps": ("Delta-memory attention", "增量记忆注意力"),
    "why_mfn_note": (
        "Shares per coordinate, so that a wide memory has no advantage; over all steps {before} of the "
        "attention lies on the step before and {now} on the step itself.",
        "按坐标平均的份额，较宽的记忆不占优势；所有步骤中，{before} 的注意力在前一步，{now} 在当前步。",
    ),
    "why_mfn_attention": ("Attention", "注意力"),
    "why_mfn_update": ("Lets in (gate)", "写入（门控）"),
    "why_mfn_retain": ("Keeps (gate)", "保留（门控）"),
    "why_mfn_norm": ("Length of the memory", "记忆长度"),
    "why_mfm_latents": ("Lengths of the latents", "潜变量的长度"),
    "why_mfm_label": ("For the score", "用于分数"),
    "why_mfm_note": (
        "Root mean square of the coordinates; all were read from the clip.",
        "坐标的均方根；全部从视频中读出。",
    ),
    "why_mfm_inferred": (
        "Root mean square of the coordinates; a dashed one was not read but inferred from the modalities in "
        "use.",
        "坐标的均方根；虚线的并非读出，而是由正在使用的模态推断。",
    ),
    "why_mfm_flow": ("What the generated words, voice and face follow", "生成的文字、声音和面部跟随什么"),
    "why_mfm_flow_note": (
        "How far what MFM generates at each step moves when a latent is moved by a usual amount: grey by the "
        "one for the score, in colour by the modality's own. The more grey, the more it follows the "
        "sentiment that all share. In % of the spread of the training clips; each row has its own scale.",
        "按通常幅度移动一个潜变量时，MFM 每一步生成的内容变化多大：灰色来自用于分数的潜变量，"
        "彩色来自该模态私有的潜变量。灰色越多，越跟随各模态共享的情感。"
        "单位为训练片段离散程度的百分比；每行刻度各自独立。",
    ),
    "why_mfm_shared": ("for the score", "用于分数"),
    "why_mfm_own": ("its own", "私有"),
    "why_mfm_imagined": ("{name}, imagined", "{name}（想象）"),
    # MLA, QMF, late fusion, MCLEA, MMIN
    "why_mla_entropies": ("Entropies, of at most {most}", "熵，最大 {most}"),
    "why_mla_note": (
        "Of each modality's guess over seven classes; a short bar is a sure guess.",
        "各模态在七个级别上的猜测的熵；条形越短，猜测越确定。",
    ),
    "why_qmf_confidences": ("Confidences", "置信度"),
    "why_qmf_note": (
        "As the method uses them: they need not sum to 1. Their shares are shown as weights below.",
        "按该方法实际使用的值：不必合计为 1。下面的权重是它们的份额。",
    ),
    "why_weights": ("Its weights in this clip", "它在这段视频中的权重"),
    "why_guesses": ("What each modality guesses", "各模态的猜测"),
    "why_guesses_note": (
        "Class by class, from strongly negative to strongly positive, every bar on the scale from 0 to 1; "
        "the "
        "last row is their fusion.",
        "从强烈负面到强烈正面逐级列出，每个条形都用 0 到 1 的刻度；最后一行是融合结果。",
    ),
    "why_fused": ("Fused", "融合"),
    "why_late_scores": ("Score of each modality alone", "各模态单独的分数"),
    "why_late_note": ("On the scale from −3 to +3.", "范围 −3 到 +3。"),
    "why_mclea_global": ("Global weights, as learned", "全局权重（训练所得）"),
    "why_mclea_note": (
        "They do not depend on this clip.",
        "它们与这段视频无关。",
    ),
    "why_mclea_losses": ("Weights of the losses in training", "训练时各损失的权重"),
    "why_mclea_losses_note": (
        "ICL brings clips of like score together within a modality, IAL brings a modality to the joint view; "
        "a larger weight is a loss that training trusted more.",
        "ICL 使同一模态中分数相近的片段靠拢，IAL 使单个模态靠近联合表示；权重越大，训练越信任该损失。",
    ),
    "why_mmin_imagined": ("Imagined embeddings", "想象的嵌入"),
    "why_mmin_note": (
        "Only what is missing is imagined. An embedding is no face and no sound: there is nothing to see in "
        "it but its length.",
        "只想象缺失的模态。嵌入不是画面也不是声音，能看到的只有它的长度。",
    ),
    "why_mmin_nothing": (
        "Nothing is missing, so nothing was imagined. Pull out a fuse to see it imagine.",
        "没有缺失的模态，因此没有想象。拔掉一根保险丝即可看到。",
    ),
    # LRCMT, TFR-Net, TATE, MEAformer
    "why_reads": ("{reader} attending to {read}", "{reader}对{read}的关注"),
    "why_reads_nothing": ("Not in use: {names}.", "未使用：{names}。"),
    "why_reads_most": (
        "{title}, strongest from {by} to {at}: {share} of the attention of {by}.",
        "{title}，最强的是从 {by} 到 {at}：占 {by} 注意力的 {share}。",
    ),
    "why_at_second": ("{second} s", "{second} 秒"),
    "why_at_word": ("“{word}”", "词“{word}”"),
    "why_at_no_word": ("a step without a word", "没有词的一步"),
    "why_layer": ("Layer {number}", "第 {number} 层"),
    "why_lrcmt_adapters": (
        "How far the low-rank adapters move each layer, in %",
        "低秩适配器使各层改变的百分比",
    ),
    "why_lrcmt_adapters_note": (
        "The length of what is added to a layer's weights, relative to them; the same for every clip.",
        "加到该层权重上的量相对于权重的长度；对每段视频都相同。",
    ),
    "why_tfr_gate": ("{name}: the gate over time", "{name}：随时间的门控"),
    "why_tfr_gate_lost": (
        "Not in use: {steps} dropped frames stand for it, and the gate lets {mean} of each through on "
        "average.",
        "未使用：由 {steps} 个丢失的帧代替，门控平均放行 {mean}。",
    ),
    "why_seconds": ("Below each bar its second.", "每个条形下方为秒数。"),
    "why_tate_tag": ("The tag", "标签"),
    "why_tate_note": ("1 means missing, but for the first row.", "除第一行外，1 表示缺失。"),
    "why_tate_in": ("tag in", "输入标签"),
    "why_tate_recovered": ("tag recovered", "恢复的标签"),
    "why_tate_nothing": ("nothing missing", "没有缺失"),
    "why_tate_vision": ("face missing", "缺少面部"),
    "why_tate_audio": ("voice missing", "缺少声音"),
    "why_tate_text": ("words missing", "缺少文字"),
    "why_meaformer_attention": ("Who attends to whom", "谁关注谁"),
    "why_meaformer_note": (
        "A row is who reads, a column who is read; each row sums to 1.",
        "行是读取者，列是被读取者；每行合计为 1。",
    ),
    "why_meaformer_scores": ("Score before and after the attention", "注意力之前与之后的分数"),
    "why_meaformer_mean": ("Their mean is the score, {score}.", "二者的平均就是分数 {score}。"),
    "why_meaformer_early": ("Early: before it", "早期：之前"),
    "why_meaformer_late": ("Late: after it", "后期：之后"),
    # Any method
    "why_numbers": ("Numbers", "数值"),
    "why_shape": ("{shape} values from {low} to {high}", "{shape} 个值，从 {low} 到 {high}"),
    "why_adds": ("What each modality adds to the score", "各模态给分数带来的变化"),
    "why_adds_note": (
        "The score less the score with this modality pulled out.",
        "分数减去拔掉该模态后的分数。",
    ),
    "why_alone": (
        "The score rests on one modality alone: {name}. There is nothing to pull out.",
        "分数只依据一个模态：{name}，没有可以拔掉的。",
    ),
}

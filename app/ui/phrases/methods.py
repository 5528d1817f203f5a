"""Each method in three sentences for a curious person: {"method_" + registry name: (English, Chinese)}."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, str]] = {
    "method_lmf": (
        "LMF multiplies what words, voice and face say, so that each can change the meaning of the "
        "others. Multiplying everything with everything would need a huge table of weights, so the table "
        "is written as a sum of a few simple products, its rank terms. The score is the sum of those "
        "terms, and the tab “Why” shows each of them.",
        "LMF 把文字、声音和面部的信息相乘，让每一种都能改变其他几种的含义。"
        "把所有特征全部相乘需要巨大的权重表，因此它把这张表写成少数几个简单乘积之和，即若干“秩项”。"
        "分数就是这些秩项之和，“为什么”页会逐项显示。",
    ),
    "method_tfn": (
        "TFN builds the full table that LMF avoids: every feature of the words times every feature of the "
        "voice times every feature of the face. The table contains seven blocks, from each modality alone "
        "over the pairs to all three together. A small network reads the score from it, and taking a "
        "block away shows what it was worth.",
        "TFN 构造 LMF 所避免的完整张量："
        "文字的每个特征乘以声音的每个特征再乘以面部的每个特征。张量包含七个块："
        "单一模态、两两组合和三者合一。一个小网络从中读出分数，去掉某一块就能看出它的作用。",
    ),
    "method_ef_lstm": (
        "EF-LSTM lines words, voice and face up in time and glues them together at every step. One "
        "recurrent network reads the glued series from beginning to end. What it remembers after the last "
        "word becomes the score.",
        "EF-LSTM 先在时间上对齐文字、声音和面部，在每一步把三者拼接起来。"
        "一个循环网络从头读到尾。读完最后一个词后的记忆就变成分数。",
    ),
    "method_mfn": (
        "MFN lets one recurrent network listen to each modality and watches how their memories change "
        "from one word to the next. An attention picks out the changes that happen together across "
        "modalities and writes them into a shared memory. The tab “Why” shows at which words it looked.",
        "MFN 让每种模态各有一个循环网络，并观察它们的记忆在相邻词之间如何变化。"
        "注意力挑出跨模态同时发生的变化，写入一个共享记忆。“为什么”页会显示它关注了哪些词。",
    ),
    "method_mfm": (
        "MFM splits a clip into what all modalities share, which carries the sentiment, and what belongs "
        "to each alone, such as whose voice it is. From these parts it can also draw each modality again. "
        "When a fuse is pulled it infers the shared part from what is left, and draws the missing one's own: "
        "that is where most of what is marked “imagined” comes from.",
        "MFM 把视频分解为各模态共有的部分（承载情感）和各自独有的部分（例如是谁的嗓音）。"
        "它还能用这些部分重新画出每一种模态。拔掉保险丝时，它从剩下的部分推断共有的部分，并抽取缺失模态自己的部分："
        "页面上标为“想象”的内容大多来自这里。",
    ),
    "method_mfm_ef_lstm": (
        "This is MFM once more, with another reader. What all modalities share comes from one recurrent "
        "network over words, voice and face glued together, as EF-LSTM has it. The paper says that its "
        "splitting works with any such reader, and “Compare” shows what the three of them make of a clip.",
        "这仍是 MFM，只是换了读取者：各模态共有的部分由一个循环网络读出，"
        "它像 EF-LSTM 那样读取拼接在一起的文字、声音和面部。"
        "论文称这种分解适用于任何读取者，“比较”页显示三种读取者对同一视频的看法。",
    ),
    "method_mfm_tfn": (
        "This is MFM once more, with another reader. What all modalities share comes from the full table "
        "of products that TFN builds of words, voice and face. The voice and the face are averaged over "
        "the clip before that, so this reader knows nothing of their order.",
        "这仍是 MFM，只是换了读取者：各模态共有的部分从 TFN 构造的文字、声音和面部的完整张量中读出。"
        "声音和面部在此之前先对整段视频取平均，因此这个读取者不知道它们的先后顺序。",
    ),
    "method_lrcmt": (
        "LRCMT leaves the language model, here a larger one than the other methods have, as it is and adds "
        "thin low-rank adapters to each of its layers. Voice and face first look at each other, and only "
        "then at the words. Its paper is known here from the abstract alone, so this is a rebuilding and "
        "not a copy.",
        "LRCMT 保持语言模型（这里比其他方法所用的更大）不变，只在每一层加入很薄的低秩适配器。"
        "声音和面部先互相关注，然后才与文字相遇。我们只看到了论文摘要，因此这是重建而不是复刻。",
    ),
    "method_tfr_net": (
        "TFR-Net is trained on clips in which words, sounds and pictures were knocked out at random. "
        "Attention within and between the modalities fills the gaps, and a network redraws what was "
        "dropped. It is meant for recordings that stutter rather than for a modality that is missing "
        "altogether.",
        "TFR-Net 在随机丢失文字、声音和画面的视频上训练。模态内与模态间的注意力填补空缺，"
        "再由网络重建被丢掉的部分。它面向断断续续的录像，而不是完全缺失的模态。",
    ),
    "method_tate": (
        "TATE tells the network by a tag which modalities are missing. A teacher that sees everything "
        "shows a student with gaps what its inner picture should look like. The tab “Why” shows the tag "
        "that went in and the one that the network recovered.",
        "TATE 用一个标签告诉网络哪些模态缺失。"
        "看得到全部内容的教师网络向有缺口的学生网络示范内部表示应有的样子。"
        "“为什么”页显示输入的标签和网络恢复出的标签。",
    ),
    "method_mla": (
        "MLA trains one modality at a time with a shared head, and bends each step so that what was "
        "learned before is not undone. Every modality then makes its own guess over seven classes. The "
        "surer a guess, the lower its entropy and the larger its weight: those are the weights beside the "
        "fuses.",
        "MLA 每次只用一种模态训练共享的分类头，并调整每一步更新，使先前学到的不被抹掉。"
        "每种模态随后在七个级别上各自猜测。猜测越确定，熵越低，权重越大：保险丝旁的权重就来自这里。",
    ),
    "method_late": (
        "Late fusion asks words, voice and face separately and takes the mean of their scores. Nothing "
        "one says can change what another means. It is the baseline that every other method should beat.",
        "后期融合分别询问文字、声音和面部，再取分数的平均。任何一种都不能改变另一种的含义。"
        "它是其他方法都应超过的基线。",
    ),
    "method_concat": (
        "Concat fusion puts the summaries of words, voice and face side by side. A small network reads "
        "the score from the joined list. It is the second baseline: simple and hard to beat.",
        "拼接融合把文字、声音和面部的摘要并排放在一起。一个小网络从拼接结果读出分数。它是第二个基线："
        "简单，却不易超越。",
    ),
    "method_mclea": (
        "MCLEA comes from another task, matching entries of two knowledge graphs, and is adapted here. It "
        "learns one global weight per modality and pulls the modalities of one clip together by contrast "
        "with other clips. Its weights are therefore the same for every clip with the same fuses in.",
        "MCLEA 来自另一项任务（匹配两个知识图谱的实体），此处为改编。"
        "它为每种模态学习一个全局权重，并通过与其他视频对比，使同一视频的各模态靠拢。"
        "因此在保险丝相同时，它的权重对每段视频都一样。",
    ),
    "method_meaformer": (
        "MEAformer comes from another task, matching entries of two knowledge graphs, and is adapted "
        "here. The modalities attend to each other in a three by three table, and from it comes a weight "
        "for each that is the clip's own. It fuses twice: before the attention and after it.",
        "MEAformer 来自另一项任务（匹配两个知识图谱的实体），此处为改编。"
        "各模态在一个三乘三的表中互相关注，由此得到每段视频各自的模态权重。它融合两次："
        "注意力之前和之后。",
    ),
    "method_qmf": (
        "QMF lets every modality guess for itself and measures the energy of each guess as its "
        "confidence. The guesses are added with those confidences as weights. Training teaches the "
        "confidence to be low where a modality is often wrong.",
        "QMF 让每种模态各自猜测，并用猜测的能量衡量其置信度。各猜测按置信度加权相加。"
        "训练使经常出错的模态置信度变低。",
    ),
    "method_mmin": (
        "MMIN learns to imagine the features of missing modalities from those that are there, by a chain "
        "of small autoencoders. A second chain goes back, so that what was imagined must lead to where it "
        "came from. The score is read from the joint features of this chain.",
        "MMIN 用一串小自编码器，从已有的模态想象缺失模态的特征。"
        "另一串反向网络要求想象的结果能回到出发点。分数从这串网络的联合特征中读出。",
    ),
}

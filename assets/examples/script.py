"""What the example clips show and say: the words are exact, being written before they were spoken."""

from __future__ import annotations

from dataclasses import dataclass

from assets.examples.people import ADA, ANNA, BEN, MEI, OMAR, RUTH
from models.drawing.looks import REST, Expression, Person


@dataclass(frozen=True)
class Voice:
    """A voice of flite.

    stretch : 1 is its own pace, more is slower; level : peak in dB against full scale
    pitch, pitch_range : mean and standard deviation in Hz, which `rms` does not obey
    """

    name: str
    stretch: float = 1.0
    pitch: float = 170.0
    pitch_range: float = 20.0
    level: float = -3.0


@dataclass(frozen=True)
class Example:
    """One clip. spoken : its words, empty for a silent one; expression : what the drawn face moves to."""

    name: str
    title_en: str
    title_zh: str
    note_en: str
    note_zh: str
    spoken: str = ""
    voice: Voice | None = None
    person: Person | None = None
    expression: Expression = REST
    photo: bool = False

    @property
    def file(self) -> str:
        """Name of the clip's file."""
        return self.name + (".mp4" if self.person or self.photo else ".mp3")

    @property
    def poster(self) -> str:
        """Name of the poster's file."""
        return self.name + ".jpg"

    def entry(self) -> dict[str, str]:
        """The example as index.json lists it."""
        return {
            "file": self.file,
            "title_en": self.title_en,
            "title_zh": self.title_zh,
            "text": self.spoken,
            "note_en": self.note_en,
            "note_zh": self.note_zh,
            "poster": self.poster,
        }


SCRIPT = (
    Example(
        name="delight",
        title_en="All agree: delighted",
        title_zh="三者一致：高兴",
        note_en="Warm words, a lively voice, a smile. Drawn face, synthetic voice.",
        note_zh="话语热情，语调轻快，面带微笑。人脸为绘制，声音为合成。",
        spoken="I really loved this film. It made me laugh from start to finish.",
        voice=Voice("slt", stretch=0.95, pitch=215, pitch_range=45, level=-1.5),
        person=ANNA,
        expression=Expression(smile=0.95, open=0.12, cheek=0.9, brow_height=0.15, lids=0.95),
    ),
    Example(
        name="letdown",
        title_en="All agree: let down",
        title_zh="三者一致：失望",
        note_en="Bitter words, a low and slow voice, a sad face. Drawn face, synthetic voice.",
        note_zh="话语失望，声音低沉缓慢，神情难过。人脸为绘制，声音为合成。",
        spoken="It was dull, slow and far too long. What a waste of time.",
        voice=Voice("awb", stretch=1.35, pitch=50, pitch_range=1, level=-12),
        person=OMAR,
        expression=Expression(smile=-1.3, open=0.1, brow_slant=1.6, brow_height=-0.7, lids=0.4),
    ),
    Example(
        name="plain",
        title_en="Plain facts",
        title_zh="平铺直叙",
        note_en="Neutral words, voice and face. Drawn face, synthetic voice.",
        note_zh="话语、语调、表情都平淡。人脸为绘制，声音为合成。",
        spoken="The film is two hours long and it starts at eight on Friday.",
        voice=Voice("slt", stretch=1.0, pitch=165, pitch_range=12, level=-6),
        person=MEI,
        expression=Expression(smile=-0.05, brow_height=-0.35, lids=0.7),
    ),
    Example(
        name="sarcasm",
        title_en="Words against face",
        title_zh="言不由衷",
        note_en="The words praise, the face is glum. Pull one out and watch. Drawn face, synthetic voice.",
        note_zh="嘴上称赞，神情沮丧。关掉其中一个看看。人脸为绘制，声音为合成。",
        spoken="Oh great, what a wonderful idea. I just love waiting in line.",
        voice=Voice("awb", stretch=1.1, level=-5),
        person=BEN,
        expression=Expression(smile=-1.0, open=0.15, brow_slant=2.0, brow_height=-0.7, lids=0.45),
    ),
    Example(
        name="brave",
        title_en="Face against words",
        title_zh="强颜欢笑",
        note_en="She smiles while she complains. Drawn face, synthetic voice.",
        note_zh="一边抱怨，一边微笑。人脸为绘制，声音为合成。",
        spoken="This was a terrible dinner. I am not coming back.",
        voice=Voice("slt", stretch=1.05, pitch=190, pitch_range=25, level=-4),
        person=ADA,
        expression=Expression(smile=0.85, open=0.08, cheek=0.8, brow_height=0.1),
    ),
    Example(
        name="voice",
        title_en="Heard, not seen",
        title_zh="只闻其声",
        note_en="A sound file without a picture. Synthetic voice.",
        note_zh="只有声音，没有画面。声音为合成。",
        spoken="The story never got going, and the ending was awful.",
        voice=Voice("slt", stretch=1.25, pitch=150, pitch_range=8, level=-9),
    ),
    Example(
        name="silent",
        title_en="Only a face",
        title_zh="只有表情",
        note_en="A silent video: a face that begins to smile. Drawn face.",
        note_zh="无声视频：一张脸渐渐露出微笑。人脸为绘制。",
        person=RUTH,
        expression=Expression(smile=0.9, open=0.16, cheek=0.9, brow_height=0.1),
    ),
    Example(
        name="astronaut",
        title_en="A real face",
        title_zh="真实的人脸",
        note_en="NASA portrait of Eileen Collins (public domain). A synthetic narrator speaks, not she.",
        note_zh="NASA 公有领域肖像（艾琳·柯林斯），旁白为合成声音，并非本人。",
        spoken="Here is a portrait of an astronaut. What a warm and happy smile.",
        voice=Voice("slt", stretch=1.0, pitch=185, pitch_range=28, level=-3),
        photo=True,
    ),
)

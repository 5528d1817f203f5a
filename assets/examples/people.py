"""The people who appear in the example clips. None of them exists."""

from __future__ import annotations

from models.drawing.looks import Person

ANNA = Person(
    skin=(0.96, 0.78, 0.67),
    lips=(0.80, 0.40, 0.40),
    hair=(0.36, 0.20, 0.11),
    hair_style="long",
    iris=(0.30, 0.42, 0.50),
    shirt=(0.30, 0.45, 0.55),
    wall=(0.72, 0.68, 0.62),
    brow=0.8,
    jaw=0.35,
    seed=1,
)
BEN = Person(
    skin=(0.58, 0.39, 0.28),
    lips=(0.60, 0.33, 0.30),
    hair=(0.10, 0.08, 0.07),
    hair_style="crop",
    iris=(0.25, 0.14, 0.08),
    shirt=(0.72, 0.45, 0.20),
    wall=(0.46, 0.56, 0.60),
    brow=1.25,
    jaw=0.75,
    beard=0.5,
    seed=2,
)
MEI = Person(
    skin=(0.93, 0.77, 0.62),
    lips=(0.78, 0.40, 0.38),
    hair=(0.12, 0.10, 0.10),
    hair_style="bob",
    iris=(0.22, 0.13, 0.08),
    shirt=(0.70, 0.30, 0.32),
    wall=(0.62, 0.70, 0.66),
    brow=0.9,
    jaw=0.4,
    seed=3,
)
OMAR = Person(
    skin=(0.78, 0.57, 0.43),
    lips=(0.66, 0.38, 0.34),
    hair=(0.16, 0.11, 0.08),
    hair_style="short",
    iris=(0.30, 0.20, 0.10),
    shirt=(0.24, 0.28, 0.34),
    wall=(0.66, 0.60, 0.52),
    brow=1.3,
    jaw=0.8,
    seed=4,
)
ADA = Person(
    skin=(0.55, 0.37, 0.27),
    lips=(0.62, 0.30, 0.30),
    hair=(0.13, 0.10, 0.09),
    hair_style="curly",
    iris=(0.20, 0.11, 0.06),
    shirt=(0.85, 0.78, 0.62),
    wall=(0.62, 0.48, 0.45),
    brow=0.9,
    jaw=0.45,
    seed=5,
)
RUTH = Person(
    skin=(0.95, 0.80, 0.72),
    lips=(0.76, 0.43, 0.42),
    hair=(0.74, 0.72, 0.70),
    hair_style="bun",
    iris=(0.35, 0.45, 0.45),
    shirt=(0.40, 0.33, 0.50),
    wall=(0.58, 0.62, 0.70),
    brow=0.8,
    jaw=0.5,
    age=0.9,
    seed=6,
)

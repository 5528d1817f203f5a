"""Trains the decoder that draws faces of people who do not exist, on FER2013."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.transforms.v2.functional import gaussian_blur
from tqdm import tqdm

from models.extractors.face_decoder import FaceDecoder
from models.extractors.vision import EMOTIONS, FACE_SIZE, VALENCE, FaceEncoder
from models.shipped.face_encoder import TEST, TRAIN, augmented, embed_faces, fit_faces, load_faces
from models.training.metrics import correlation

EPOCHS = 11
ADVERSARIAL, EXPRESSION = 0.04, 0.04  # weights of these terms beside the error of a pixel
RATE = 2e-4  # learning rate, the discriminator's twice that
EMA_DECAY = 0.995
JUDGE_WIDTHS, JUDGE_EPOCHS, JUDGE_EMA_DECAY = (16, 32, 64), 10, 0.98
MEAN, STD = 0.5, 0.22  # of the pixels of a face that is drawn


class _Discriminator(nn.Module):
    """How real faces (n, 1, 48, 48) look that show emotions (n, 8).

    With spectral normalisation (Miyato et al., ICLR 2018), and projected on what is asked for (Miyato and
    Koyama, ICLR 2018).
    """

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128)):
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in zip((1, *widths), widths, strict=False):
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1)), nn.LeakyReLU(0.2)]
        self.features = nn.Sequential(*layers, nn.Flatten())
        size = widths[-1] * (FACE_SIZE // 2 ** len(widths)) ** 2
        self.real = spectral_norm(nn.Linear(size, 1))
        self.showing = spectral_norm(nn.Linear(len(EMOTIONS), size))

    def forward(self, faces: Tensor, emotions: Tensor) -> Tensor:
        features = self.features(faces - MEAN)
        return (self.real(features)[:, 0] + (self.showing(emotions) * features).sum(1)).float()


def train_face_decoder(
    encoder: FaceEncoder, data: Path, epochs: int = EPOCHS, seed: int = 0, device: str = "cpu"
) -> FaceDecoder:
    """Decoder of what the encoder reads in the training faces. Half an hour on two cores; no early stop."""
    images, votes, _ = load_faces(data, TRAIN)
    emotions = embed_faces(encoder, images)[:, : len(EMOTIONS)]
    images, votes, emotions = images.to(device), votes.to(device), emotions.to(device)
    judge = fit_faces(
        FaceEncoder(JUDGE_WIDTHS), images, votes, JUDGE_EPOCHS, seed + 7, decay=JUDGE_EMA_DECAY, vary=_rough
    )
    return fit_decoder(images, emotions, judge, epochs, seed).cpu()


def fit_decoder(
    images: Tensor, emotions: Tensor, judge: FaceEncoder, epochs: int, seed: int, batch_size: int = 128
) -> FaceDecoder:
    """The moving average of a decoder that draws faces (n, 1, 48, 48) uint8 of emotions (n, 8).

    Half of a batch is real faces drawn again, from their own looks, with L1; the other half shows real faces'
    emotions on looks of nobody. Both have to pass for real to a discriminator, trained beside it with the
    hinge loss (an adversarial term; Goodfellow et al., NeurIPS 2014), and to show their emotions to the
    `judge`, an encoder that is not the one that reads faces (a perceptual term). The judge sees them blurred,
    noisy, turned and partly covered, so that no pattern that only a network sees passes for a smile.
    """
    torch.manual_seed(seed)
    device, half = images.device, batch_size // 2
    images = torch.cat([(255 * evened(part)).round().byte() for part in images.split(2048)])
    decoder, discriminator = FaceDecoder().to(device).train(), _Discriminator().to(device)
    looks = _linear_part(decoder, images, emotions)
    judge.requires_grad_(False)
    for module in (decoder, discriminator, judge):
        module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's own omits it
    average = AveragedModel(decoder, multi_avg_fn=get_ema_multi_avg_fn(EMA_DECAY), use_buffers=True)
    trained = [parameter for parameter in decoder.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, RATE, betas=(0.0, 0.9))
    opponent = torch.optim.Adam(discriminator.parameters(), 2 * RATE, betas=(0.0, 0.9))
    steps = epochs * (len(images) // batch_size)
    schedules = [  # constant, then falling to zero
        torch.optim.lr_scheduler.LambdaLR(each, lambda step: min(1.0, 2 - 2 * step / steps))
        for each in (optimizer, opponent)
    ]
    for epoch in range(epochs):
        order = torch.randperm(len(images), device=device).split(batch_size)[: len(images) // batch_size]
        for batch in tqdm(order, desc=f"face decoder, epoch {epoch + 1}/{epochs}", mininterval=20):
            mirrored = torch.rand(batch_size, device=device) < 0.5
            real, shown = images[batch].float() / 255, emotions[batch]
            real = torch.where(mirrored[:, None, None, None], real.flip(3), real)
            whose = torch.cat(
                [looks[mirrored[:half].long(), batch[:half]], torch.randn_like(looks[0, :half])]
            )
            with torch.autocast(device.type, torch.bfloat16):
                drawn = decoder(shown, whose)
                wrong = F.relu(1 - discriminator(real, shown))
                wrong = wrong + F.relu(1 + discriminator(drawn.detach(), shown))
            opponent.zero_grad(set_to_none=True)
            wrong.mean().backward()
            opponent.step()
            with torch.autocast(device.type, torch.bfloat16):
                passed = discriminator(drawn, shown).mean()
                named = judge.head(judge(_rough(drawn))).float()
            loss = F.l1_loss(drawn[:half], real[:half])
            loss = loss - ADVERSARIAL * passed + EXPRESSION * F.cross_entropy(named, shown)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            average.update_parameters(decoder)
            for schedule in schedules:
                schedule.step()
    return cast(FaceDecoder, average.module).eval()


def evened(faces: Tensor) -> Tensor:
    """Faces (n, 1, 48, 48) uint8, all as bright and as rich in contrast, in [0, 1]."""
    faces = faces.float() / 255
    mean, std = faces.mean((1, 2, 3), keepdim=True), faces.std((1, 2, 3), keepdim=True)
    return (MEAN + STD * (faces - mean) / std.clamp_min(0.02)).clamp(0, 1)


def _rough(faces: Tensor) -> Tensor:
    """Faces (n, 1, 48, 48) `augmented`, blurred and with noise."""
    faces = augmented(faces.clamp(1 / 255, 1))  # a power of 0 has no derivative
    blurred = gaussian_blur(faces, [7, 7], [float(torch.rand(())) * 1.5 + 0.3] * 2)
    return blurred + 0.06 * torch.rand_like(blurred[:, :, :1, :1]) * torch.randn_like(blurred)


@torch.no_grad()
def _linear_part(decoder: FaceDecoder, images: Tensor, emotions: Tensor) -> Tensor:
    """Sets the decoder's linear map for good; the looks (2, n, 32) of faces and of their mirror images."""
    pixels = torch.cat([images, images.flip(3)]).flatten(1).float() / 255
    told = emotions.repeat(2, 1)
    explained = torch.linalg.pinv(told) @ pixels
    pixels -= told @ explained
    variances, axes = torch.linalg.eigh(pixels.T @ pixels / len(pixels))
    variances, axes = variances[-decoder.looks :], axes[:, -decoder.looks :]
    decoder.linear.weight.copy_(torch.cat([explained.T, axes * variances.sqrt()], 1))
    decoder.linear.requires_grad_(False)
    return (pixels @ axes / variances.sqrt()).unflatten(0, (2, -1))


@torch.inference_mode()
def evaluate_face_decoder(encoder: FaceEncoder, decoder: FaceDecoder, data: Path, seed: int = 0) -> dict:
    """What the encoder reads in drawn faces of nobody that are to show the emotions of FER+ test faces.

    `emotion_agreement` is how often the likeliest emotion is the same as in the real face, beside how often
    by chance; `valence_corr` that of the valence; `variety` the standard deviation of a pixel over faces with
    the same likeliest emotion, beside that of real ones.
    """
    images, _, _ = load_faces(data, TEST)
    states = embed_faces(encoder, images)
    emotions, named = states[:, : len(EMOTIONS)], states[:, : len(EMOTIONS)].argmax(1)
    looks = torch.randn(len(images), decoder.looks, generator=torch.Generator().manual_seed(seed))
    drawn = decoder(emotions, looks).clamp(0, 1)
    read = embed_faces(encoder, (255 * drawn).round().byte())
    says, kinds = read[:, : len(EMOTIONS)].argmax(1), range(len(EMOTIONS))
    real = evened(images)
    return {
        "faces": len(images),
        "emotion_agreement": float((says == named).float().mean()),
        "emotion_chance": sum(float((says == k).float().mean() * (named == k).float().mean()) for k in kinds),
        "valence_corr": correlation(read[:, VALENCE].numpy(), states[:, VALENCE].numpy()),
        "variety": float(_spread(drawn, named) / _spread(real, named)),
    }


def _spread(faces: Tensor, kinds: Tensor) -> Tensor:
    """The mean standard deviation of a pixel of faces (n, 1, 48, 48) of the same kind."""
    return torch.stack([faces[kinds == kind].std(0).mean() for kind in kinds.unique()]).mean()

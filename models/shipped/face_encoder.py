"""Trains the face encoder on FER+ vote distributions, and the decoder that draws faces back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms import v2
from tqdm import tqdm

from models.extractors.vision import EMOTIONS, VALENCE, FaceDecoder, FaceEncoder
from models.training.metrics import correlation

TRAIN, VALID, TEST = 0, 1, 2
THUMB = 16  # pixels of the thumbnail that keeps looks, beside emotion, in the embedding


def load_faces(data: Path, split: int) -> tuple[Tensor, Tensor]:
    """FER2013 faces (n, 1, 48, 48) uint8 and FER+ emotion distributions (n, 8), summing to 1.

    Single votes are dropped as FER+'s authors do (Barsoum et al., ICMI 2016); faces whose most frequent
    vote is "unknown" or "not a face" are left out.
    """
    with np.load(data / "faces" / "ferplus.npz") as archive:
        rows = archive["split"] == split
        images, votes = archive["images"][rows], archive["votes"][rows].astype(np.float32)
    votes[votes <= 1] = 0
    kept = (votes[:, :8].max(1) > votes[:, 8:].max(1)) & (votes[:, :8].sum(1) > 0)
    emotions = votes[kept, :8]
    return torch.from_numpy(images[kept])[:, None], torch.from_numpy(
        emotions / emotions.sum(1, keepdims=True)
    )


def train_face_encoder(
    data: Path, epochs: int = 16, batch_size: int = 64, seed: int = 0, limit: int | None = None
) -> FaceEncoder:
    """Encoder trained with cross-entropy against vote distributions; fixed schedule, no early stop.

    A linear map from the embedding to a 16 x 16 thumbnail is trained along, so that the embedding keeps
    what the decoder needs. The first 60 % of the epochs see faces at 36 pixels: almost half the work.
    `limit` cuts the training faces (tests).
    """
    torch.manual_seed(seed)
    images, votes = (tensor[:limit] for tensor in load_faces(data, TRAIN))
    augment = v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomAffine((-12, 12), translate=(0.08, 0.08), scale=(0.85, 1.15)),
            v2.ColorJitter(brightness=0.3, contrast=0.3),
            v2.ToDtype(torch.float32, scale=True),
            v2.RandomErasing(0.25, scale=(0.02, 0.15)),
        ]
    )
    encoder, thumbnail = FaceEncoder(), nn.Linear(FaceEncoder.embedded, THUMB * THUMB)
    encoder.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (its stub lacks it)
    parameters = [*encoder.parameters(), *thumbnail.parameters()]
    optimizer = torch.optim.AdamW(parameters, weight_decay=0.02)
    steps = len(images) // batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=max(1, epochs * steps))
    encoder.train()
    for epoch in range(epochs):
        order = torch.randperm(len(images))
        progress = tqdm(range(steps), desc=f"faces, epoch {epoch + 1}/{epochs}", mininterval=20)
        running = 0.0
        for step in progress:
            batch = order[step * batch_size : (step + 1) * batch_size]
            faces = torch.stack([augment(images[i]) for i in batch])
            looks = F.adaptive_avg_pool2d(faces, THUMB).flatten(1)
            if epoch < 0.6 * epochs:
                faces = F.interpolate(faces, size=36, mode="bilinear", antialias=True)
            embedding = encoder(faces.contiguous(memory_format=torch.channels_last))
            logits = encoder.head(F.dropout(embedding, 0.2, training=True))
            loss = F.cross_entropy(logits, votes[batch]) + 2 * F.mse_loss(thumbnail(embedding), looks)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            running = 0.98 * running + 0.02 * loss.item()
            progress.set_postfix(loss=f"{running:.3f}", refresh=False)
    return encoder.eval()


def train_face_decoder(
    encoder: FaceEncoder, data: Path, epochs: int = 2, batch_size: int = 128, seed: int = 0
) -> FaceDecoder:
    """Decoder trained on the frozen encoder's states: L1 plus L1 of image gradients."""
    torch.manual_seed(seed)
    images, _ = load_faces(data, TRAIN)
    states = embed_faces(encoder, images)
    decoder = FaceDecoder().train()
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=2e-3)
    steps = len(images) // batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=max(1, epochs * steps))
    for epoch in range(epochs):
        order = torch.randperm(len(images))
        for step in tqdm(range(steps), desc=f"face decoder, epoch {epoch + 1}/{epochs}", mininterval=20):
            batch = order[step * batch_size : (step + 1) * batch_size]
            faces = images[batch].float() / 255
            drawn = decoder(states[batch])
            loss = F.l1_loss(drawn, faces) + sum(
                F.l1_loss(drawn.diff(dim=axis), faces.diff(dim=axis)) for axis in (2, 3)
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return decoder.eval()


@torch.inference_mode()
def embed_faces(encoder: FaceEncoder, images: Tensor) -> Tensor:
    """States (n, 10) of faces (n, 1, 48, 48) uint8, each of another person.

    How each person looks otherwise is not known: the valence is less the mean of all, so that the coordinate
    has the range of a clip's.
    """
    read = torch.cat([encoder.readings(batch.float() / 255) for batch in images.split(256)])
    return torch.cat([read, read[:, VALENCE:] - read[:, VALENCE].mean()], dim=1)


@torch.inference_mode()
def evaluate_face_encoder(encoder: FaceEncoder, decoder: FaceDecoder, data: Path) -> dict[str, float]:
    """On the FER+ test split: majority-vote accuracy, valence Corr, and the decoder's error.

    `decoder_mae` is per pixel in [0, 1]; `mean_face_mae` is the same for the mean training face.
    """
    images, votes = load_faces(data, TEST)
    states = embed_faces(encoder, images)
    faces = images.float() / 255
    mean_face = (load_faces(data, TRAIN)[0].float() / 255).mean(0)
    return {
        "faces": len(images),
        "accuracy": float((states[:, : len(EMOTIONS)].argmax(1) == votes.argmax(1)).float().mean()),
        "valence_corr": correlation(states[:, VALENCE].numpy(), (votes @ encoder.valence).numpy()),
        "decoder_mae": float((decoder(states) - faces).abs().mean()),
        "mean_face_mae": float((mean_face - faces).abs().mean()),
    }

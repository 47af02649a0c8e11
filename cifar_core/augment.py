"""Random changes of training images, as functions of whole batches: (N, C, H, W) -> (N, C, H, W).

Each takes its random numbers as an argument, so that a batch depends on nothing but them, and works on any
device; the first three on uint8 and floats, the others on floats, `crop` to `scramble` on pixels 0..255.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate, pad


def flip(images: Tensor, chosen: Tensor) -> Tensor:
    """Mirror left and right the images for which `chosen` (N,) is true."""
    return torch.where(chosen[:, None, None, None], images.flip(-1), images)


def shift(images: Tensor, offsets: Tensor, padding: int, reflect: bool = False) -> Tensor:
    """Crop each image at `offsets` (N, 2; rows and columns, 0..2·padding) from a frame around it.

    The frame of `padding` pixels is black, or the image's reflection.
    """
    n, _, height, width = images.shape
    rows, inside_rows = _frame(height, padding, images.device)
    columns, inside_columns = _frame(width, padding, images.device)
    cropped = images[:, :, rows[:, None], columns]
    if not reflect:
        cropped = cropped.masked_fill(~(inside_rows[:, None] & inside_columns), 0)
    windows = cropped.unfold(2, height, 1).unfold(3, width, 1)  # (N, C, 2p+1, 2p+1, H, W)
    return windows[torch.arange(n, device=images.device), :, offsets[:, 0], offsets[:, 1]]


def _frame(size: int, padding: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """For each position with its frame, (size + 2·padding,): the reflected position, and whether inside."""
    positions = torch.arange(-padding, size + padding, device=device)
    reflected = (size - 1) - (size - 1 - positions.abs()).abs()
    return reflected, (positions >= 0) & (positions < size)


def cutout(images: Tensor, corners: Tensor, size: int) -> Tensor:
    """Blacken the square of `size` pixels whose upper left corner is `corners` (N, 2; may lie outside).

    Cutout, DeVries & Taylor 2017, arXiv 1708.04552; what of the square lies outside the image has no effect.
    """
    rows = torch.arange(images.shape[2], device=images.device) - corners[:, :1]  # (N, H)
    columns = torch.arange(images.shape[3], device=images.device) - corners[:, 1:]  # (N, W)
    inside_rows, inside_columns = (rows >= 0) & (rows < size), (columns >= 0) & (columns < size)
    return images.masked_fill((inside_rows[:, :, None] & inside_columns[:, None, :])[:, None], 0)


def crop(images: Tensor, sides: Tensor, places: Tensor) -> Tensor:
    """Cut a window of each image's pixels (N, C, H, W) and scale it to the image's size, bicubic.

    sides: (N, 2), height and width of the window as shares of the image's; beyond the image lies its
    reflection. places: (N, 2) rows and columns, -1..1, from edge to edge of the room there is; 0 centers it.
    """
    room = (1 - sides).abs() * places
    zeros = torch.zeros_like(room[:, 0])
    rows = ([sides[:, 1], zeros, room[:, 1]], [zeros, sides[:, 0], room[:, 0]])
    windows = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)  # (N, 2, 3)
    grid = affine_grid(windows, list(images.shape), align_corners=False)
    return grid_sample(images, grid, "bicubic", "reflection", align_corners=False).clamp(0, 255)


def sharpen(images: Tensor, amounts: Tensor) -> Tensor:
    """Add `amounts` (N,) times what a small blur (1 2 1 both ways) takes away; -1 blurs the image by it."""
    blurred = avg_pool2d(avg_pool2d(pad(images, (1, 1, 1, 1), "replicate"), 2, 1), 2, 1)
    return (images + amounts[:, None, None, None] * (images - blurred)).clamp(0, 255)


def saturate(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply each pixel's distance from its gray by `factors` (N,): 0 leaves gray."""
    gray = (images * images.new_tensor(_LUMA)[:, None, None]).sum(dim=1, keepdim=True)
    return (gray + factors[:, None, None, None] * (images - gray)).clamp(0, 255)


JPEG_QUALITIES = (30, 90)
_LUMA = (0.299, 0.587, 0.114)
# JPEG's luma table (T.81, annex K.1), without the rest of the format: colors are coarsened by it as well.
_JPEG_STEPS = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)


def jpeg(images: Tensor, qualities: Tensor) -> Tensor:
    """Round the frequencies of each block of 8 x 8 pixels as JPEG does at `qualities` (N,), 1..100.

    Height and width are multiples of 8.
    """
    n, channels, height, width = images.shape
    scales = torch.where(qualities < 50, 50 / qualities, 2 - qualities / 50).view(n, 1, 1, 1, 1, 1)
    steps = (scales * images.new_tensor(_JPEG_STEPS).view(8, 1, 8) + 0.5).floor().clamp(min=1)
    cosines = _cosines().to(images)
    blocks = images.reshape(n, channels, height // 8, 8, width // 8, 8) - 128
    waves = torch.einsum("ui,ncaibj,vj->ncaubv", cosines, blocks, cosines)
    rounded = (waves / steps).round() * steps
    pixels = torch.einsum("ui,ncaubv,vj->ncaibj", cosines, rounded, cosines) + 128
    return pixels.reshape(images.shape).clamp(0, 255)


def _cosines() -> Tensor:
    """The orthonormal cosine transform of 8 values, (8 frequencies, 8 places)."""
    places = torch.arange(8)
    waves = torch.cos((2 * places + 1) * places[:, None] * math.pi / 16) / 2
    waves[0] /= math.sqrt(2)
    return waves


@dataclass(frozen=True)
class PhotoChanges:
    """What brings images (N, C, H, W; pixels 0..255) nearer to photographs that were shrunk, in three steps.

    crops: smallest and largest side of a crop, stretch: of its width against its height, both as shares.
    sharpness, saturation: largest changes, jpeg: share of images with its damage. All draws are from 0 to 1.
    """

    crops: tuple[float, float] = (1.0, 1.0)
    stretch: float = 0.0
    sharpness: float = 0.0
    saturation: float = 0.0
    jpeg: float = 0.0

    def place(self, images: Tensor, draws: Tensor) -> Tensor:
        """Crop each by its `draws` (N, 4): side, stretch, row and column."""
        low, high = self.crops
        if low == high == 1 and self.stretch == 0:
            return images
        sides = low + (high - low) * draws[:, 0]  # (N,)
        stretch = (1 + self.stretch) ** (draws[:, 1] - 0.5)  # of the width by this, of the height against it
        return crop(images.float(), torch.stack([sides / stretch, sides * stretch], 1), 2 * draws[:, 2:] - 1)

    def tint(self, images: Tensor, draws: Tensor) -> Tensor:
        """Change sharpness and saturation by `draws` (N, 2)."""
        if self.sharpness:
            images = sharpen(images.float(), self.sharpness * (2 * draws[:, 0] - 1))
        if self.saturation:
            images = saturate(images.float(), 1 + self.saturation * (2 * draws[:, 1] - 1))
        return images

    def damage(self, images: Tensor, draws: Tensor) -> Tensor:
        """Damage some as JPEG does, by `draws` (N,)."""
        if not self.jpeg:
            return images
        chosen, (low, high) = draws < self.jpeg, JPEG_QUALITIES
        qualities = low + (high - low) * draws[chosen] / self.jpeg
        return images.float().index_put((chosen,), jpeg(images[chosen].float(), qualities))


def estrange(images: Tensor, draws: Tensor) -> Tensor:
    """Outliers made of images (N > 1, square), by their `draws` (N, 2), 0 to 1: pixels 0..255.

    By the first a third is turned by 90° to 270°, a third has its quarters exchanged, and a third becomes
    noise of its spectrum. They keep the colors and the textures of the images, and not their shapes.
    """
    images, kinds = images.float(), (3 * draws[:, 0]).long()  # (N,)
    turned = turn(images, 1 + (3 * draws[:, 1]).long())
    made = torch.stack([turned, swap_quarters(images), scramble(images)])  # (3, N, C, H, W)
    return made[kinds, torch.arange(len(images), device=images.device)]


def turn(images: Tensor, quarters: Tensor) -> Tensor:
    """Turn each image (square) by its number of quarter turns (N,), 0 to 3."""
    turned = torch.stack([images.rot90(count, (2, 3)) for count in range(4)])  # (4, N, C, H, W)
    return turned[quarters, torch.arange(len(images), device=images.device)]


def swap_quarters(images: Tensor) -> Tensor:
    """Exchange the four quarters of each image across its middle: its parts, without its shape."""
    return images.roll((images.shape[2] // 2, images.shape[3] // 2), (2, 3))


def scramble(images: Tensor) -> Tensor:
    """Noise with the colors and the spectrum of each image (N > 1), whose phases another's are added to."""
    waves = torch.fft.rfft2(images.float())
    phases = waves.mean(dim=1, keepdim=True).roll(1, 0).angle()
    phases[:, :, 0, 0] = 0  # keeps the mean color
    return torch.fft.irfft2(torch.polar(waves.abs(), waves.angle() + phases), images.shape[2:]).clamp(0, 255)


def jitter(images: Tensor, brightness: Tensor, contrast: Tensor) -> Tensor:
    """Add `brightness` (N,) to normalized images and multiply the sum by `contrast` (N,)."""
    return (images + brightness[:, None, None, None]) * contrast[:, None, None, None]


def resize(images: Tensor, size: int) -> Tensor:
    """Float images (N, C, H, W) -> (N, C, size, size), bilinear, with an antialiasing filter."""
    if images.shape[2:] == (size, size):
        return images
    return interpolate(images, (size, size), mode="bilinear", antialias=True)

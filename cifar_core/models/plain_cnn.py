"""Plain CNNs of two, three and four convolutional layers: the newcomer's networks.

As in the tutorial that they come from: a 3x3 convolution, ReLU and a 2x2 max pool for each layer, then two
linear layers. Their widths beyond the first (16) are this project's choice: each layer doubles them.
"""

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from cifar_core.models.base import ImageClassifier
from cifar_core.models.convolution import Conv2d
from cifar_core.models.registry import register_model

WIDTH = 16  # channels of the first layer
HIDDEN = 128  # numbers between the linear layers
SIDE = 32  # of the images that the head is made for; feature maps of other images are pooled to fit


class PlainCNN(ImageClassifier):
    """`depth` layers of convolution, ReLU and max pool, then linear, ReLU, linear.

    Raises:
        ValueError: when depth is not 1 to 5, as each layer halves the side.
    """

    def __init__(self, depth: int, num_classes: int = 10) -> None:
        super().__init__()
        if depth not in range(1, 6):
            raise ValueError(f"depth is {depth!r}; it must be 1 to 5.")
        self.num_classes = num_classes
        self.layers = nn.Sequential()
        channels = self.in_channels
        for number in range(depth):
            width = WIDTH * 2**number
            convolution = Conv2d(channels, width, kernel_size=3, padding=1)
            self.layers.append(nn.Sequential(convolution, nn.ReLU(inplace=True), nn.MaxPool2d(2)))
            channels = width
        self.last_side = SIDE // 2**depth
        size = channels * self.last_side**2
        self.classifier = nn.Sequential(
            nn.Linear(size, HIDDEN), nn.ReLU(inplace=True), nn.Linear(HIDDEN, num_classes)
        )

    def forward_features(self, images: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) -> the last feature map (N, C, H/2^depth, W/2^depth)."""
        features: Tensor = self.layers(images)
        return features

    def forward_head(self, features: Tensor) -> Tensor:
        """Feature map (N, C, H', W') -> logits (N, num_classes)."""
        if features.shape[2:] != (self.last_side, self.last_side):
            features = adaptive_avg_pool2d(features, self.last_side)
        logits: Tensor = self.classifier(features.flatten(1))
        return logits


@register_model
def plain_cnn_2(num_classes: int = 10) -> PlainCNN:
    """Two convolutional layers, each with ReLU and max pool, then two linear ones."""
    return PlainCNN(2, num_classes)


@register_model
def plain_cnn_3(num_classes: int = 10) -> PlainCNN:
    """Three convolutional layers, each with ReLU and max pool, then two linear ones."""
    return PlainCNN(3, num_classes)


@register_model
def plain_cnn_4(num_classes: int = 10) -> PlainCNN:
    """Four convolutional layers, each with ReLU and max pool, then two linear ones."""
    return PlainCNN(4, num_classes)

"""The data sets that a config can name, each one object with all that is known before it is read.

Another one is one more entry of DATA_SETS: it is then found, downloaded, checked, trained on and named in
the cards of its networks. Neither numpy nor torch here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Hub:
    """Parquet files on the Hugging Face Hub, and on disk as they lie there.

    repo: `USER/NAME`. folder: where in it they lie. image, label: the columns. known: the sizes and sha256 of
    the files of a copy, by their names; no other file of such a name and size is taken.
    """

    repo: str = ""
    folder: str = ""
    image: str = "img"
    label: str = "label"
    known: Mapping[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Archive:
    """The archive that torchvision downloads: names and md5 sums as in torchvision.datasets.

    folder: the one that is packed in it. train, test: file -> md5. labels: their key in a file. key: names
    what was decoded from a download in the cache.
    """

    url: str = ""
    md5: str = ""
    folder: str = ""
    train: Mapping[str, str] = field(default_factory=dict)
    test: Mapping[str, str] = field(default_factory=dict)
    labels: str = "labels"
    key: str = ""

    @property
    def name(self) -> str:
        """Its file name."""
        return self.url.rpartition("/")[2]

    @property
    def files(self) -> dict[str, str]:
        """All its files with their md5."""
        return {**self.train, **self.test}


@dataclass(frozen=True)
class DataSet:
    """The known facts of a data set.

    name: in a config; title: in a text; summary: where it can be chosen. class_names: by label, from 0.
    train_images: with those that a run sets aside for validation. mean, std: of each channel over the
    training images, of pixels in 0..1; none where networks take another's. is_drawn: on the spot, so that it
    needs no files. hub, archive: where it is published. part_of: the data set of which these are some
    classes.
    """

    name: str
    title: str
    summary: str
    class_names: tuple[str, ...]
    train_images: int
    test_images: int
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    image_size: int = 32
    channels: int = 3
    is_drawn: bool = False
    hub: Hub = Hub()
    archive: Archive = Archive()
    part_of: "DataSet | None" = None

    @property
    def whole(self) -> "DataSet":
        """The data set with all its classes, which is read."""
        return self.part_of or self

    def only(self, names: Sequence[str]) -> "DataSet":
        """Return the same with some of its classes, labeled from 0 in the order of `names`.

        Raises:
            ValueError: unless these are two or more different classes of it.
        """
        wrong = [name for name in names if name not in self.class_names]
        if wrong or not 2 <= len(names) == len(set(names)):
            given = f"'{wrong[0]}' is no class of {self.title}" if wrong else "it does not name two"
            raise ValueError(f"{given}; give two or more different ones of {', '.join(self.class_names)}.")
        train, test = (
            size * len(names) // len(self.class_names) for size in (self.train_images, self.test_images)
        )
        title = f"{self.title}, only {', '.join(names)}"
        return replace(
            self,
            title=title,
            class_names=tuple(names),
            train_images=train,
            test_images=test,
            part_of=self.whole,
        )

    @property
    def is_own(self) -> bool:
        """Return whether a folder says what its classes are."""
        return self.name == OWN.name

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of an image: channels, height, width."""
        return self.channels, self.image_size, self.image_size


CIFAR10 = DataSet(
    name="cifar10",
    title="CIFAR-10",
    summary="CIFAR-10: 60,000 small photographs",
    class_names=(
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
    train_images=50_000,
    test_images=10_000,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    hub=Hub(
        "uoft-cs/cifar10",
        "plain_text",
        # A copy of the Hub's set in lossless WebP; 93 of its 60,000 images are stand-ins.
        known={
            "train-00000-of-00004.parquet": (
                22_187_389,
                "48b88ebc30a7e90cf613d549abc5573d75d963b36aba87c9b1d749d51f7fec7d",
            ),
            "train-00001-of-00004.parquet": (
                22_276_855,
                "68a95693d156b3b9885ffee95141f760f90fd513e7297ddfb6d635779550078d",
            ),
            "train-00002-of-00004.parquet": (
                22_267_897,
                "f4bb7f61f01dc994bd35622f3e52e4fa2853882125250a029de335dd33725958",
            ),
            "train-00003-of-00004.parquet": (
                22_182_491,
                "6ab9e25b93b457d17efe128ff8da7dc6fc8b12f7c5e6ea220e6a5cf3b74f56fe",
            ),
            "test-00000-of-00001.parquet": (
                17_775_306,
                "f3f85f68de8be60070f11f1a3a4f44d018a5b6364723dc77570c696c6752ec1f",
            ),
        },
    ),
    archive=Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
        "cifar-10-batches-py",
        train={
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        },
        test={"test_batch": "40351d587109b95175f43aff81a1287e"},
        key="archive-torchvision",
    ),
)
AIRPLANE_AUTOMOBILE = DataSet(
    name="airplane_automobile",
    title="CIFAR-10, airplanes and automobiles only",
    summary="Only its airplanes and automobiles: 12,000 photographs",
    class_names=CIFAR10.class_names[:2],
    train_images=10_000,
    test_images=2_000,
    mean=(0.4984, 0.5074, 0.5181),
    std=(0.2607, 0.2591, 0.2796),
    part_of=CIFAR10,
)
CIFAR100 = DataSet(
    name="cifar100",
    title="CIFAR-100",
    summary="CIFAR-100: 60,000 small photographs of 100 kinds of things",
    class_names=(
        *("apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle"),
        *("bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle"),
        *("caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch"),
        *("crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox"),
        *("girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion"),
        *("lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom"),
        *("oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree"),
        *("plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road"),
        *("rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake"),
        *("spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone"),
        *("television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale"),
        *("willow_tree", "wolf", "woman", "worm"),
    ),
    train_images=50_000,
    test_images=10_000,
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
    hub=Hub("uoft-cs/cifar100", "cifar100", label="fine_label"),
    archive=Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        "eb9058c3a382ffc7106e4002c42a8d85",
        "cifar-100-python",
        train={"train": "16019d7e3df5f24257cddd939b257f8d"},
        test={"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
        labels="fine_labels",
        key="archive-torchvision-cifar100",
    ),
)
SYNTHETIC = DataSet(
    name="synthetic",
    title="Drawn shapes of CIFAR-10 Lab",
    summary="Drawn shapes, to try things out",
    class_names=(
        *("disk", "ring", "square", "frame", "diamond"),
        *("triangle", "plus", "saltire", "stripes", "checks"),
    ),
    train_images=2_000,
    test_images=500,
    is_drawn=True,
)
DATA_SETS = {one.name: one for one in (CIFAR10, AIRPLANE_AUTOMOBILE, CIFAR100, SYNTHETIC)}
CLASS_NAMES = CIFAR10.class_names

# What a folder of one's own says of itself: names and numbers are known when it is found (data/own.py).
OWN = DataSet(
    name="own",
    title="Own pictures",
    summary="Your own pictures: a folder with a folder of each class",
    class_names=(),
    train_images=0,
    test_images=0,
)
MOST_CLASSES = 100

# Channel means and standard deviations that a config can name, of pixels in 0..1.
NORMALIZATIONS = {one.name: (one.mean, one.std) for one in DATA_SETS.values() if one.mean}
NORMALIZATIONS["half"] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

"""
The judge of the shapes world, the Frechet distance, SSIM, similarity of features
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
import vgen._core.data
__all__: list[str] = ['Gaussian', 'ShapesQuality', 'ShapesScore', 'ShapesTable', 'ShapesVerdict', 'fit_gaussian', 'frechet_distance', 'judge', 'score']
class ShapesQuality:
    """
    What the judge measured; lengths in shares of the frame, times in shares of the clip.
    """
    @property
    def area_flicker(self) -> float:
        """
        RMS of radius / linear fit - 1
        """
    @property
    def colour_flicker(self) -> float:
        """
        RMS distance of the frames' colours from the clip's, in levels
        """
    @property
    def edge_width(self) -> float:
        """
        mean width of the object's edge in pixels; about 1 for a sharp, anti-aliased edge
        """
    @property
    def fit(self) -> float:
        """
        mean overlap (soft intersection over union) with the shape read, [0, 1]
        """
    @property
    def fragments(self) -> float:
        """
        largest area outside the main component / its area, over frames
        """
    @property
    def impurity(self) -> float:
        """
        mean share of the object's inner pixels that are of another colour
        """
    @property
    def position_flicker(self) -> float:
        """
        RMS distance from the linear fit of the path
        """
    @property
    def presence(self) -> float:
        """
        share of frames with an object
        """
class ShapesVerdict:
    """
    What the judge reads from a clip; None where it cannot tell.
    """
    def __repr__(self) -> str:
        ...
    @property
    def background(self) -> str | None:
        """
        The background that was read, in the caption's word; None if it cannot be told.
        """
    @property
    def coherent(self) -> bool:
        """
        one object, there in every frame, steady
        """
    @property
    def colour(self) -> str | None:
        """
        The colour that was read, in the caption's word; None if it cannot be told.
        """
    @property
    def confidence(self) -> dict[str, float]:
        """
        how sure each reading is, [0, 1]
        """
    @property
    def failures(self) -> list[str]:
        """
        What is wrong with a clip, whatever it was meant to show.
        """
    @property
    def motion(self) -> str | None:
        """
        The motion that was read, in the caption's word; None if it cannot be told.
        """
    @property
    def object(self) -> bool:
        """
        false: no object to speak of
        """
    @property
    def quality(self) -> ShapesQuality:
        """
        The measurements behind the reading.
        """
    @property
    def shape(self) -> str | None:
        """
        The shape that was read, in the caption's word; None if it cannot be told.
        """
    @property
    def size(self) -> str | None:
        """
        The size that was read, in the caption's word; None if it cannot be told.
        """
    @property
    def speed(self) -> str | None:
        """
        The speed that was read, in the caption's word; None if it cannot be told.
        """
    @property
    def track(self) -> list[vgen._core.data.ShapesPose]:
        """
        one a frame, in pixels; radius 0 = no object
        """
class ShapesScore:
    """
    Which of the attributes asked for the verdict confirms.
    """
    def __repr__(self) -> str:
        ...
    @property
    def all(self) -> bool:
        """
        colour, shape, motion, background and coherent
        """
    @property
    def background(self) -> bool:
        """
        True if the clip shows the background that was asked for.
        """
    @property
    def coherent(self) -> bool:
        """
        True if the clip has no failure.
        """
    @property
    def colour(self) -> bool:
        """
        True if the clip shows the colour that was asked for.
        """
    @property
    def everything(self) -> bool:
        """
        all, and size and speed too
        """
    @property
    def motion(self) -> bool:
        """
        True if the clip shows the motion that was asked for.
        """
    @property
    def shape(self) -> bool:
        """
        True if the clip shows the shape that was asked for.
        """
    @property
    def size(self) -> bool:
        """
        True if the clip shows the size that was asked for.
        """
    @property
    def speed(self) -> bool:
        """
        True if the clip shows the speed that was asked for.
        """
class ShapesTable:
    """
    Shares of right answers over many judged clips: what `vgen eval shapes` prints and a model card states.
    """
    def __init__(self) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def add(self, score: ShapesScore) -> None:
        """
        Counts one more clip.
        """
    def share(self, name: str) -> float:
        """
        share of clips that were right in this
        """
    @property
    def clips(self) -> int:
        """
        Number of clips that were added.
        """
    @property
    def right(self) -> dict[str, int]:
        """
        colour, shape, size, motion, speed, background, coherent, all, everything
        """
class Gaussian:
    """
    Mean and covariance.
    """
    @property
    def covariance(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        [D, D], symmetric
        """
    @property
    def mean(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        [D]
        """
def fit_gaussian(rows: typing.Annotated[numpy.typing.ArrayLike, numpy.float64]) -> Gaussian:
    """
    Mean and unbiased covariance of `rows` [N, dimension], N >= 2, in float64. ShapeError if the size does not fit;
    NumericsError on NaN or Inf.
    """
def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """
    The Frechet distance between two Gaussians, the distance of FID and FVD.
    """
def judge(frames: numpy.typing.ArrayLike) -> ShapesVerdict:
    """
    Reads a clip: uint8 [F, H, W, 3] with H, W >= 16. With one frame motion and speed are nullopt. ShapeError on other
    shapes.
    """
def score(verdict: ShapesVerdict, attributes: vgen._core.data.ShapesAttributes) -> ShapesScore:
    """
    Which attributes a verdict has right: ShapesScore.
    """

"""Types that a skops file may name beyond those skops itself trusts: a fixed list, by full name."""

from __future__ import annotations

_SKLEARN = (
    "_loss.loss.AbsoluteError",
    "_loss.loss.HalfBinomialLoss",
    "_loss.loss.HalfGammaLoss",
    "_loss.loss.HalfMultinomialLoss",
    "_loss.loss.HalfPoissonLoss",
    "_loss.loss.HalfSquaredError",
    "_loss.loss.HalfTweedieLossIdentity",
    "_loss.loss.PinballLoss",
    "calibration._CalibratedClassifier",
    "calibration._SigmoidCalibration",
    "cluster._bisect_k_means._BisectingTree",
    "cluster._kmeans._kmeans_single_lloyd",
    "ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "feature_selection._univariate_selection.chi2",
    "feature_selection._univariate_selection.f_classif",
    "feature_selection._univariate_selection.f_regression",
    "gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "gaussian_process.kernels.ConstantKernel",
    "gaussian_process.kernels.Product",
    "gaussian_process.kernels.RBF",
    "gaussian_process.kernels.Sum",
    "gaussian_process.kernels.WhiteKernel",
    "metrics._dist_metrics.EuclideanDistance",
    "metrics._dist_metrics.EuclideanDistance64",
    "metrics._dist_metrics.ManhattanDistance64",
    "metrics._dist_metrics.MinkowskiDistance64",
    "neighbors._ball_tree.BallTree",
    "neighbors._kd_tree.KDTree",
    "neural_network._stochastic_optimizers.AdamOptimizer",
    "neural_network._stochastic_optimizers.SGDOptimizer",
    "tree._tree.Tree",
)
_OTHERS = (
    "numpy.dtype",
    "numpy.mean",
    "scipy.interpolate._bsplines.BSpline",
    "scipy.sparse._csc.csc_matrix",
    "scipy.sparse._csr.csr_matrix",
)
_ALLOWED = frozenset(_OTHERS) | {f"sklearn.{name}" for name in _SKLEARN}


def allowed(name: str) -> bool:
    """Whether a skops file may name this type."""
    return name in _ALLOWED

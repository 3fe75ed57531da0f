"""The customer satisfaction index, 0-100, and what moves it: a path model of what people perceive.

    model = csi.Model(
        constructs={"quality": ["perq1", "perq2"], "satisfaction": ["cusa1", "cusa2"]},
        paths={"satisfaction": ["quality"]},
    )
    fit = csi.fit(responses, model, weight="weight")
    print(fit)               # Satisfaction index 74.2 (73.5 to 74.9), n 4,812.
    fit.table                # the index of every construct
    fit.paths, fit.importance, fit.reliability
    csi.precision(fit), csi.priorities(fit)               # wide enough? what first?
    csi.validity(responses, model)                        # told apart, fitting
    csi.predict(responses, model)                         # foretelling new people
    csi.compare(responses, model, "channel")              # measured alike, different

The paths say what goes along with what, other causes in the model held equal. They do not say what
would happen if something were changed: for that, test a change (notebook 40).
"""

from cxlib.csi.comparison import Comparison, compare
from cxlib.csi.fits import Fit, fit
from cxlib.csi.groups import fit_by
from cxlib.csi.map import priorities
from cxlib.csi.model import PRESETS, Model, model_of
from cxlib.csi.precision import precision
from cxlib.csi.prediction import Prediction, predict
from cxlib.csi.validity import Validity, validity

__all__ = [
    "PRESETS", "Comparison", "Fit", "Model", "Prediction", "Validity", "compare", "fit", "fit_by",
    "model_of", "precision", "predict", "priorities", "validity",
]  # fmt: skip

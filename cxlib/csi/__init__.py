"""The customer satisfaction index, 0-100, and what moves it: a path model of what people perceive.

    model = csi.Model(
        constructs={"quality": ["perq1", "perq2"], "satisfaction": ["cusa1", "cusa2"]},
        paths={"satisfaction": ["quality"]},
    )
    fit = csi.fit(sample, model, csi.Options(scheme="path"))
    print(fit)               # The satisfaction index is 74 of 100; image (68) is ...
    fit.table                # the index of every construct
    fit.paths, fit.importance, fit.reliability
    csi.precision(fit), csi.importance_performance(fit)   # precise enough? what first?
    csi.validity(sample, model)                           # distinct constructs, fit of the model
    csi.mediation(sample, model)                          # specific indirect effects
    csi.moderation(sample, model, {"loyalty": [("satisfaction", "image")]})  # interactions
    csi.equations(sample, model)                          # adjusted R², BIC, cross-loadings, GoF
    csi.cfa(sample, model)                                # confirmatory factor analysis
    csi.invariance(sample, model, "channel")              # its measurement in groups
    csi.fimix(sample, model)                              # hidden segments
    csi.predict(sample, model)                            # prediction of new people
    csi.blindfolding(sample, model)                       # Q² as older work reports it
    csi.compare(sample, model, "channel")                 # measured alike, different

The paths say what is associated with what, other causes in the model held equal. They do not say
what would happen if something were changed: for that, test a change (notebook 40).
"""

from cxlib.csi.blindfolding import blindfolding
from cxlib.csi.effect_sizes import f2_refitted
from cxlib.csi.equations import equations, scores
from cxlib.csi.estimation import Options
from cxlib.csi.factor_analysis import cfa
from cxlib.csi.fimix import fimix
from cxlib.csi.groups import by_wave, fit_by
from cxlib.csi.importance_performance import importance_performance
from cxlib.csi.index import fit, key_drivers, reliability
from cxlib.csi.invariance import invariance
from cxlib.csi.mediation import mediation
from cxlib.csi.model import PRESETS, Model, model_of
from cxlib.csi.moderation import moderation
from cxlib.csi.permutation_tests import compare
from cxlib.csi.precision import precision
from cxlib.csi.prediction import predict
from cxlib.csi.validity import htmt_matrix, model_fit, redundancy, validity

__all__ = [
    "PRESETS",
    "Model",
    "Options",
    "blindfolding",
    "by_wave",
    "cfa",
    "compare",
    "equations",
    "f2_refitted",
    "fimix",
    "fit",
    "fit_by",
    "htmt_matrix",
    "importance_performance",
    "invariance",
    "key_drivers",
    "mediation",
    "model_fit",
    "model_of",
    "moderation",
    "precision",
    "predict",
    "redundancy",
    "reliability",
    "scores",
    "validity",
]

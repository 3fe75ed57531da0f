"""What customers say: topics, how they are felt, what is new, and what goes with the score.

    comments = voice.beside(study.read("comments"), responses, "recommend", nps=True)
    fit = voice.topics(comments, study.topics, weight="weight")      # given, and found in the rest
    print(fit)            # Customers speak most of late delivery: 12% (11% to 14%) of 1,850 ...
    marked = voice.mark(comments, fit)                 # a column a topic
    voice.impact(marked, fit, "recommend", nps=True)   # points of the score that go with each
    voice.felt(marked, fit)                            # who speaks well of it
    voice.emerging(marked, fit)                        # what is new, false discovery held
    voice.tone(comments, "good")                       # a model of tone, and how often it is right

English and Chinese; of other languages a few words that judge are known, most of Portuguese, and
tone is learnt from their scores.
"""

from __future__ import annotations

from cxlib.voice.coding import alphas, coded
from cxlib.voice.emerging import Emerging, emerging
from cxlib.voice.feelings import felt
from cxlib.voice.fits import Topics, by_wave, mark, topics
from cxlib.voice.impact import Impact, impact
from cxlib.voice.people import beside, private, scored, waves, who
from cxlib.voice.quoted import quotes
from cxlib.voice.tone import Tone, score
from cxlib.voice.tone import fit as tone

__all__ = [
    "Emerging", "Impact", "Tone", "Topics", "alphas", "beside", "by_wave", "coded", "emerging",
    "felt", "impact", "mark", "private", "quotes", "score", "scored", "tone", "topics", "waves",
    "who",
]  # fmt: skip

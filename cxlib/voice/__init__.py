"""What customers say: topics, their sentiment, what is new, and what is associated with the score.

    outcome = voice.Outcome("recommend", nps=True)
    comments, masked = voice.prepare(study.sample("comments"), study.sample(), outcome)
    fit = voice.topics(comments, study.topics)         # defined, and found in the rest
    print(fit)            # Late delivery is mentioned most, in 12% of comments.
    marked = voice.mark(comments, fit)                 # a column a topic
    voice.impact(marked, fit, outcome)                 # points of the score associated with each
    voice.topic_sentiment(marked, fit)                 # positive, negative, neutral
    voice.emerging_topics(marked, fit)                 # what is new, false discovery held
    voice.tone(comments, "good")                       # a model of tone, and how often it is right

English and Chinese; of other languages a few words that judge are known, most of Portuguese, and
tone is learnt from their scores.
"""

from __future__ import annotations

from cxlib.core.errors import attempt
from cxlib.voice.coding import coding_alpha, coding_f1
from cxlib.voice.coding_accuracy import accuracy, codes_of, corrected, correction, mark_coded
from cxlib.voice.coding_sheet import checked_codes, coding_sheet
from cxlib.voice.comment_length import length_terms
from cxlib.voice.comments import comment_rate, has_scores, has_waves, prepare, with_unlinked
from cxlib.voice.emergence import emerging_topics
from cxlib.voice.impact import impact
from cxlib.voice.outcome import Outcome
from cxlib.voice.quotes import quotes
from cxlib.voice.sources import by_source, source_column
from cxlib.voice.tone import score, tone
from cxlib.voice.topic_groups import topic_groups
from cxlib.voice.topic_sentiment import topic_sentiment
from cxlib.voice.topic_shares import topic_shares
from cxlib.voice.topic_waves import by_wave
from cxlib.voice.topics import mark, topics

__all__ = [
    "Outcome",
    "accuracy",
    "attempt",
    "by_source",
    "by_wave",
    "checked_codes",
    "codes_of",
    "coding_alpha",
    "coding_f1",
    "coding_sheet",
    "comment_rate",
    "corrected",
    "correction",
    "emerging_topics",
    "has_scores",
    "has_waves",
    "impact",
    "length_terms",
    "mark",
    "mark_coded",
    "prepare",
    "quotes",
    "score",
    "source_column",
    "tone",
    "topic_groups",
    "topic_sentiment",
    "topic_shares",
    "topics",
    "with_unlinked",
]

"""Data and tasks to learn from, as NumPy arrays; core's encoders turn values into spikes.

from spikax_learning import tasks

train, test = tasks.japanese_vowels()
batch = train[:32]  # batch.inputs, batch.targets, batch.scored
"""

from spikax_learning.tasks._archive import DataError, FetchError, data_folder
from spikax_learning.tasks._delayed_match import delayed_match_to_sample
from spikax_learning.tasks._digits import digits
from spikax_learning.tasks._eprop_reference import (
    EpropReference,
    bsshslm_classification,
    bsshslm_regression,
)
from spikax_learning.tasks._evidence_accumulation import CueTiming, evidence_accumulation
from spikax_learning.tasks._examples import Examples, Shuffled, Split
from spikax_learning.tasks._japanese_vowels import japanese_vowels
from spikax_learning.tasks._mnist import mnist_subset
from spikax_learning.tasks._pattern_generation import pattern_generation
from spikax_learning.tasks._randman import randman
from spikax_learning.tasks._store_recall import store_recall

__all__ = [
    "CueTiming",
    "DataError",
    "EpropReference",
    "Examples",
    "FetchError",
    "Shuffled",
    "Split",
    "bsshslm_classification",
    "bsshslm_regression",
    "data_folder",
    "delayed_match_to_sample",
    "digits",
    "evidence_accumulation",
    "japanese_vowels",
    "mnist_subset",
    "pattern_generation",
    "randman",
    "store_recall",
]

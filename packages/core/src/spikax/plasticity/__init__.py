"""Rules of plasticity: how spikes change the weights of a projection."""

from spikax.plasticity._homeostatic import HomeostaticScaling as HomeostaticScaling
from spikax.plasticity._inhibitory import InhibitorySTDP as InhibitorySTDP
from spikax.plasticity._pair import PairSTDP as PairSTDP
from spikax.plasticity._reward import RewardSTDP as RewardSTDP
from spikax.plasticity._triplet import TripletSTDP as TripletSTDP
from spikax.plasticity._weight_dependent import WeightDependentSTDP as WeightDependentSTDP

"""Trainings of one scheme at every width, for the lemma and for the decomposition."""

from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.theory.covariance.kernels import reference
from infwidth.theory.covariance.measure import lemma_tables
from infwidth.theory.decomposition.measure import decomposition_table
from infwidth.theory.innovations.training import observe
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.setting import first_samples


def measured_part(files: Files, settings: Settings, part: str) -> Tables:
    """The tables of one scheme."""
    data = first_samples(files.dataset(), settings["samples"])
    scheme, recipe = Scheme(**settings["schemes"][part]), Recipe(**settings["recipe"])
    observations = [
        observe(data, scheme, width, seed, recipe)
        for width in settings["widths"]
        for seed in range(settings["seeds"])
    ]
    wider = reference(data, scheme, max(settings["widths"]), settings["seeds"], recipe)
    covariance, kernels = lemma_tables(part, scheme, observations, wider)
    return {
        "covariance": covariance,
        "kernels_in_training": kernels,
        "decomposition": decomposition_table(part, observations),
    }

"""Trainings of one scheme at every width, for the covariance and for the decomposition."""

from infwidth.recipe import Recipe
from infwidth.schemes import Scheme
from infwidth.theory.covariance.measure import covariance_table
from infwidth.theory.decomposition.measure import decomposition_table
from infwidth.theory.innovations.training import observe
from infwidth.theory.measuring import Files, Settings, Tables
from infwidth.theory.setting import first_samples


def measured_part(files: Files, settings: Settings, part: str) -> Tables:
    """Both tables of one scheme."""
    data = first_samples(files.dataset(), settings["samples"])
    scheme, recipe = Scheme(**settings["schemes"][part]), Recipe(**settings["recipe"])
    observations = [
        observe(data, scheme, width, seed, recipe)
        for width in settings["widths"]
        for seed in range(settings["seeds"])
    ]
    return {
        "covariance": covariance_table(part, observations),
        "decomposition": decomposition_table(part, observations),
    }

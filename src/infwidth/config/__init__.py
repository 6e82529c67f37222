"""From what people write (YAML files, `--config` on the command line) to an `Experiment`.

`values` turns words into plain values, `paths` fills in home folders and variables, `misread` looks
up how numbers were written, `wording` says what a key may hold, `schemes` resolves the
parametrizations, `checks` holds the rules between keys, `training_set` those about what is trained
on, and `reading` puts them together.
"""

from infwidth.config.reading import ConfigError, read_changes, read_experiment

__all__ = ["ConfigError", "read_changes", "read_experiment"]

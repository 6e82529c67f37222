"""How long the tests with random examples look: seconds, or with `--long` for what they can find.

The profile is chosen in `conftest.py`, before any test is imported.
"""

from hypothesis import HealthCheck, settings

SHORT, LONG = "short", "long"


def register(*, long: bool) -> None:
    """Choose a profile for this run of pytest.

    The short one draws the same examples every time: it guards what was found. Times are no
    matter, since other programs may keep the machine busy.
    """
    lenient = settings(
        deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    settings.register_profile(SHORT, lenient, derandomize=True)
    settings.register_profile(LONG, lenient)
    settings.load_profile(LONG if long else SHORT)


def examples(short: int, long: int) -> settings:
    """How many examples a test draws in either profile."""
    return settings(max_examples=long if settings.get_current_profile_name() == LONG else short)

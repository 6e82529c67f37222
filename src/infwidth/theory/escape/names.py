"""IP's escape: the trainings, the sizes and the depths that are looked at."""

# The experiment's own trainings, looked at in its snapshots, and small ones, at every step.
MAIN, SMALL = "experiment", "small"
IP, LARGE = "IP", "IP-LLR"

# Mean squares of the last layer's pre-activations that the time to reach is told of: far above
# where IP starts, and where the linear law about the saddle still holds. Ours.
SIZES = (1e-4, 1e-3)
# Where a start is not this far below a size, the time to reach it says nothing of the escape.
FAR_BELOW = 0.1

DEPTHS = (1, 2, 3, 4, 5, 6)
# Depths are compared at this part of the small trainings' widths, the widest so many of them.
PART_OF_WIDTH, DEPTH_WIDTHS = 4, 3

"""Formulas of activations that several tests check, and PyTorch's functions for them."""

import numpy as np
import torch
from builders import PLAIN_ACTIVATIONS

GRID = np.linspace(-9, 9, 240)  # without zero, where ReLU has no derivative
PLAIN = PLAIN_ACTIVATIONS | {
    "softplus": torch.nn.functional.softplus,
    "sin": torch.sin,
    "leaky_relu": torch.nn.functional.leaky_relu,
    "linear": torch.clone,
}
# (1 + φ)(φ' - 1) = -1, smooth and with bounded derivatives all the same.
OMEGA = "LambertW(exp(x))"
SELF_SIMILAR = "x*sin(2*pi*log(Abs(x))/log(2))"

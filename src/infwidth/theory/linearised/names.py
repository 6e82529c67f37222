"""The schemes whose networks are held against their linearisation."""

from collections.abc import Mapping
from types import MappingProxyType

from infwidth.schemes import SCHEMES, Scheme

COMPARED: Mapping[str, Scheme] = MappingProxyType({name: SCHEMES[name] for name in ("NTP", "µP")})

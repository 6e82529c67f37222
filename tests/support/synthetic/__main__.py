import sys
from pathlib import Path

from synthetic import write

write(Path(sys.argv[1]))

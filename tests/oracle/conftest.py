"""Makes the modules of the oracle importable by name, whichever of them is collected first."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

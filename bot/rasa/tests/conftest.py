"""Tests that need Rasa itself; run by its own Python: `cd bot/rasa && .venv/bin/python -m pytest tests`."""

from __future__ import annotations

import sys
from pathlib import Path

RASA = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(RASA))
sys.path.append(str(RASA.parents[1]))

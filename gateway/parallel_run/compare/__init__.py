"""Two answers laid side by side: every difference with its place and its kind.

`answers.compare` does it. Nothing is imported here: whoever only checks a rule's path needs no
library of pictures.
"""

from __future__ import annotations

"""What a call to a provider used, and whether it cost something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["not_bought", "bought", "unknown"]
"""What became of the money when no picture came: none was spent, it was, or nobody can say.

After ``bought`` and ``unknown`` nobody orders the same picture again on his own.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call, each 0 or more.

    Attributes:
        input_text_tokens: Of the prompt.
        input_image_tokens: Of pictures in the request; 0 where none were sent.
        output_tokens: Everything the model made.
        output_text_tokens: How many of ``output_tokens`` are text; None when the provider does not
            say, and then all of them are priced as image tokens, which cost more.
    """

    input_text_tokens: int
    input_image_tokens: int
    output_tokens: int
    output_text_tokens: int | None = None

    @property
    def output_image_tokens(self) -> int:
        """What is priced as image output."""
        return self.output_tokens - (self.output_text_tokens or 0)

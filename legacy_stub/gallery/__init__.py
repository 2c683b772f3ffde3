"""Where the monolith's pictures are ordered and kept: one interface, three ways behind it.

Branch by abstraction: whoever needs an image inside the monolith, be it the handlers of ``/images``
or a page of the shop, goes through ``port.Gallery`` and cannot tell who draws.
"""

from __future__ import annotations

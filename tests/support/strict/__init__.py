"""An HTTP/1.1 reader that refuses whatever RFC 9112 does not let a sender send.

Independent of every parser that the gateway or its servers use: it is what they are judged by.
"""

from __future__ import annotations

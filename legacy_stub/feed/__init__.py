"""The change feed: what happened to products and images, for whoever takes them over.

Triggers write every change into the table ``outbox``, in the transaction of the change itself; a
reader on a port of its own hands them out in order. ``docs/change-feed.md`` tells it all.

- ``sqlite``, ``postgresql``: the tables and triggers on each database, behind ``capture``
- ``switching``: putting them in place, and taking them away
- ``cursor``, ``events``: where a reader stands, and what it reads; pure
- ``reading``, ``pictures``: pages of events, and the pictures they speak of
- ``readers``, ``retention``: who has read how far, and what may therefore go
- ``web``, ``server``: the port
"""

from __future__ import annotations

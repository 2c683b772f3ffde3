"""`make up`: the monolith, the image service and the gateway together, until Ctrl-C.

Everything listens on 127.0.0.1 alone, and works in the current folder: state goes to ``./var``, the
gateway reads ``./routes.yaml``. The environment may change that by the variables that each of the
three reads anyway; the ports are ``FIGUEIRA_PORT``, ``FIGUEIRA_ADMIN_PORT``, ``LEGACY_PORT``,
``LEGACY_CHANGES_PORT`` and ``IMAGE_PORT``.
"""

from __future__ import annotations

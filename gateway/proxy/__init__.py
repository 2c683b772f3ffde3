"""The data path of a worker: a door for customers, pools of connections to backends."""

from __future__ import annotations

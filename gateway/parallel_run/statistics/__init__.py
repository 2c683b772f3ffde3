"""What evidence says, true at whatever moment somebody looks. Standard library only.

A fixed-sample test that is looked at again and again errs far more often than it says: an exact
95 % bound looked at after each of 3,000 requests calls one system in five ready that is not. Here
everything is an e-process: a bet against the hypothesis whose capital grows beyond 1/alpha with a
probability of at most alpha, ever, if the hypothesis is true (Ville's inequality).
"""

from __future__ import annotations

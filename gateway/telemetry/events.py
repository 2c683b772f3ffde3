"""Names of what can happen to the gateway itself, and how a line about it is written.

An event is a name and values, never prose: it can be searched for and counted.
"""

from __future__ import annotations

import json
from enum import Enum


class Event(Enum):
    """Every event; the value is the name in the log."""

    STARTED = "started"
    """Customers can be served: addresses, revision, number of workers."""
    SETTING_UNKNOWN = "setting_unknown"
    """A variable that begins with FIGUEIRA_ is no setting and changes nothing."""
    REVISION_ACCEPTED = "revision_accepted"
    """A changed routes.yaml serves from now on."""
    REVISION_REFUSED = "revision_refused"
    """A changed routes.yaml has problems; the last good revision serves on. One line a problem."""
    REVISION_UNCHANGED = "revision_unchanged"
    """routes.yaml is well, and holds what serves already: it was mended, or somebody asked by
    SIGHUP."""
    REVISION_RESUMED = "revision_resumed"
    """At a start with a routes.yaml that cannot be used, the last accepted revision serves."""
    RULE_EXPIRED = "rule_expired"
    """A rule of a parallel run was to be looked at by now; it goes on being applied."""
    RUNS_NOT_RUN = "runs_not_run"
    """There are parallel runs in routes.yaml, and an ASGI server has no process that runs them."""
    COMPARER_REPLACED = "comparer_replaced"
    """The process that compares the answers of trials died or took too long; another one does."""
    SNAPSHOT_UNREADABLE = "snapshot_unreadable"
    """A worker cannot read a revision; it serves on by the one before."""
    HISTORY_FAILED = "history_failed"
    """A revision serves but could not be kept in the database; that is tried again."""
    HISTORY_RESTORED = "history_restored"
    """The database keeps revisions again, those that it missed included."""
    PROCESS_DIED = "process_died"
    """A worker or control ended without being told to; another takes its place."""
    PROCESS_HANGS = "process_hangs"
    """A worker or control does not say anything any more; it is killed, and another takes its
    place."""
    FORK_FAILED = "fork_failed"
    """The system has no room for another process; it is tried again soon."""
    ACCEPT_FAILED = "accept_failed"
    """No descriptor or memory for a customer's connection; it waits, and is tried again soon."""
    CONNECTIONS_LIMITED = "connections_limited"
    """The limit of open files allows fewer customers' connections than the settings ask for; a
    warning where they were asked for, or where half of the default is not allowed."""
    CONNECTIONS_FULL = "connections_full"
    """A worker has all the customers' connections that it may have; if the others have, too, new
    ones wait. Said once a minute at most."""
    TLS_HANDSHAKE_FAILED = "tls_handshake_failed"
    """TLS did not come about with a customer: why, who it was, and how many since the last such
    line. Said once a minute and cause at most."""
    ACCESS_LOG_FAILED = "access_log_failed"
    """At SIGHUP the access log cannot be opened anew; a worker writes on in the file before."""
    CERTIFICATE_LOADED = "certificate_loaded"
    """At the start: the certificate that customers are shown, its names, its end."""
    CERTIFICATE_ACCEPTED = "certificate_accepted"
    """The same, when new connections are shown another one from now on."""
    CERTIFICATE_DUE = "certificate_due"
    """The certificate that customers are shown is over, or soon will be, and was not renewed."""
    CERTIFICATE_REFUSED = "certificate_refused"
    """The certificate or its key cannot be used; the last good pair serves on."""
    TOKEN_KEY_NOT_KEPT = "token_key_not_kept"  # noqa: S105 - an event's name
    """The key of the tokens in access lines cannot be kept: after the next start, the same customer
    has another token."""
    DRAINING = "draining"
    """Not ready any more; after `delay_s` no new connections, and requests in flight may end."""
    STOPPED = "stopped"
    """All processes have ended; `cut` requests and tunnels had to be cut, `killed` processes
    killed."""
    ADDRESS_EJECTED = "address_ejected"
    """Requests to a backend's address fail: it is left out for a while, unless all are."""
    ADDRESS_READMITTED = "address_readmitted"
    """A backend's address can be connected to again."""
    BACKEND_OUT_OF_SERVICE = "backend_out_of_service"
    """New work that another backend of the route can do goes there. A worker's own finding."""
    BACKEND_ON_TRIAL = "backend_on_trial"
    """One request at a time shows if the backend is well again."""
    BACKEND_IN_SERVICE = "backend_in_service"
    """All is well again."""
    ADDRESS_ILL = "address_ill"
    """Probes of a backend's address fail."""
    ADDRESS_WELL = "address_well"
    """Probes of a backend's address succeed again."""
    EVIDENCE_FAILED = "evidence_failed"
    """What parallel runs have shown cannot be written; it is kept in memory and tried again, and
    counted as shed where there is no room."""
    EVIDENCE_RESTORED = "evidence_restored"
    """It is written again."""
    EVIDENCE_LOST = "evidence_lost"
    """Control died while it compared: so many trials of a run are counted as lost."""
    EVIDENCE_FORGOTTEN = "evidence_forgotten"
    """Old epochs, examples and distinct requests are gone, as the bounds of what is kept say."""
    SPOOL_FAILED = "spool_failed"
    """Large bodies of trials cannot be kept on the disk; their trials are shed, and counted."""
    SPOOL_RESTORED = "spool_restored"
    """They can again."""
    EGRESS_OPEN = "egress_open"
    """The sides' calls to collaborators are taken: address, sides."""
    EGRESS_FAILED = "egress_failed"
    """They are not: the address cannot be used. The next change of routes.yaml tries again."""
    TASK_FAILED = "task_failed"
    """A fault in the gateway itself, in work that no request waits for."""
    REQUEST_FAILED = "request_failed"
    """A fault in the gateway itself; the customer got 500."""
    ANSWER_FAILED = "answer_failed"
    """A fault in the gateway itself while it read a backend's answer."""
    SWEEP_FAILED = "sweep_failed"
    """A fault in the gateway itself while it looked after timeouts."""


def write_event(event: Event, **values: object) -> str:
    """``name key=value ...``; values with spaces or quotes are written as JSON strings."""
    pairs = (f"{key}={_write(value)}" for key, value in values.items())
    return " ".join([event.value, *pairs])


def _write(value: object) -> str:
    text = str(value)
    if text.isprintable():
        is_plain = text and not any(c in ' "=' for c in text)
        return text if is_plain else json.dumps(text, ensure_ascii=False)
    # Line breaks and terminal controls exist beyond ASCII, too.
    return json.dumps(text)

"""The service on AWS Lambda: behind API Gateway, and fed by SQS. Needs the extra ``aws``.

Each function is a module with a ``handler``; nothing is opened before the first event, and what is
opened then stays open until Lambda ends the process.
"""

from __future__ import annotations

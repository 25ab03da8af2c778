"""SendGrid: many people a request, one personalization each, merged by SendGrid from substitutions (v3 Mail Send)."""

from __future__ import annotations

from composer.transport.sendgrid.payload import Schedule
from composer.transport.sendgrid.transport import SendGridTransport, open_sendgrid

__all__ = ["Schedule", "SendGridTransport", "open_sendgrid"]

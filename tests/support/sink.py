# SPDX-License-Identifier: Apache-2.0
"""A real SMTP server that keeps what it is sent, on a free port of 127.0.0.1 (aiosmtpd).

`answers` are what it says to the next messages instead of taking them ("451 later", "550 no"); `tls` offers STARTTLS
with a certificate of its own, `user` asks for AUTH PLAIN.
"""
import email
import email.policy
import socket
import ssl
import subprocess

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Sink:
    def __init__(self, tls=None, user=None, answers=()):
        self.mails, self.envelopes, self.answers, self.logins, self.sessions = [], [], list(answers), [], []
        options = {"auth_required": bool(user), "auth_require_tls": bool(tls),
                   "authenticator": self._authenticate if user else None}
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.certificate, tls.key)
            options.update(tls_context=context)
        self.user = user
        self.controller = Controller(self, hostname="127.0.0.1", port=0, **options)
        self.controller._trigger_server = self._knock
        self.controller.start()
        self.url = f"smtp://127.0.0.1:{self.port}"

    def _knock(self):
        """What start() waits for; aiosmtpd itself would knock at port 0."""
        self.port = self.controller.server.sockets[0].getsockname()[1]
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.recv(1024)

    def _authenticate(self, server, session, envelope, mechanism, data):  # the signature is aiosmtpd's
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=self.logins[-1] == self.user)

    async def handle_DATA(self, server, session, envelope):
        self.envelopes.append(envelope)
        self.sessions.append(session)
        if self.answers:
            return self.answers.pop(0)
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken"

    def to(self, address):
        return [mail for mail in self.mails if mail["To"] == f"<{address}>" or mail["To"] == address]

    def stop(self):
        self.controller.stop()


class Certificate:
    """One that signs itself, for 127.0.0.1."""

    def __init__(self, folder):
        self.certificate, self.key = folder / "relay.pem", folder / "relay.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.key, "-out", self.certificate],
                       check=True, capture_output=True)

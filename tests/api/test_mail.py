# SPDX-License-Identifier: Apache-2.0
"""Mail: queued with what it is about, announced without its secret, sent by a real relay or by an integration."""
import re

import psycopg2
import pytest

from support import wait
from support.client import Client
from support.judge import events_of
from support.server import partnerd
from support.sink import Certificate, Sink
from support.world import PASSWORD, World, accept, sign_in, unique

FROM = "partners@vendor.example"
PAGE = "https://partners.vendor.example/invitation"
RESET_PAGE = "https://partners.vendor.example/new-password"


def sql(url, text, *values):
    session = psycopg2.connect(url)
    with session, session.cursor() as cursor:
        cursor.execute(text, values)
        rows = cursor.fetchall() if cursor.description else None
    session.close()
    return rows


def mails_of(url, user_id):
    return sql(url, "select id::text, kind, status, sealed is null, attempts, last_error from mails "
                    "where user_id = %s order by created_at, id", user_id)


@pytest.fixture
def sink():
    running = Sink()
    yield running
    running.stop()


@pytest.fixture
def place(new_database, new_server, sink):
    """A world whose server sends by the sink."""
    url = new_database()
    server = new_server(url, smtp_url=sink.url, mail_from=FROM, invitation_url=PAGE, password_reset_url=RESET_PAGE,
                        public_url="https://api.vendor.example")
    return World(server, url)


def link_of(mail, page):
    return re.search(re.escape(page) + r"#token=(\S+)", mail.get_content()).group(1)


def by_mail(place, sink):
    """Somebody who accepted what came by mail."""
    made = place.invite("viewer")
    accept(place.server, link_of(wait.until(lambda: sink.to(made["email"]), "the invitation arrives")[0], PAGE))
    return made


class TestByTheRelay:
    def test_invitation_accept_sign_in(self, place, sink):
        made = place.invite("viewer")
        assert made["invitation_token"] is None, "the token travels by mail only"
        mail = wait.until(lambda: sink.to(made["email"]), "the mail arrives")[0]
        assert mail["From"] == FROM and mail["Auto-Submitted"] == "auto-generated"
        assert place.slug in mail["Subject"] and "Robin viewer" in mail.get_content()
        accept(place.server, link_of(mail, PAGE))
        sign_in(place.server, made["email"], PASSWORD, place.slug)
        (_, kind, status, is_wiped, attempts, _), = mails_of(place.database_url, made["id"])
        assert (kind, status, is_wiped, attempts) == ("invitation", "sent", True, 1)

    def test_inviting_again(self, place, sink):
        made = place.invite("viewer")
        wait.until(lambda: len(sink.to(made["email"])) == 1, "the first mail")
        place.act("users", made, "resend-invite")
        wait.until(lambda: len(sink.to(made["email"])) == 2, "the second mail")
        first, second = (link_of(mail, PAGE) for mail in sink.to(made["email"]))
        Client(place.server).post("/v1/invitations/accept", {"token": first, "password": PASSWORD}, expect=422)
        accept(place.server, second)

    def test_names_make_no_headers(self, place, sink):
        row = place.admin.get("/v1/program").json
        name = "Zürich \u2028 programme “for” all – " + "x\t" * 60
        place.admin.patch("/v1/program", {"name": name}, if_match=row["version"], expect=200)
        made = place.admin.post("/v1/users", {
            "email": f"{unique('p')}@people.example", "name": "Eve\tBcc: mallory@evil.example", "role": "viewer"}, expect=201)
        mail = wait.until(lambda: sink.to(made["email"]), "the mail arrives")[0]
        assert set(mail.keys()) == {"Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version",
                                    "Content-Type", "Content-Transfer-Encoding"}
        assert [str(address) for address in sink.envelopes[-1].rcpt_tos] == [made["email"]]
        assert all(len(line) <= 78 for line in sink.envelopes[-1].content.split(b"\r\n"))
        assert "Eve\tBcc: mallory@evil.example" in mail.get_content() and "programme “for” all" in mail["Subject"]

    def test_names_make_no_lines(self, place, sink):
        made = place.admin.post("/v1/users", {"email": f"{unique('p')}@people.example", "role": "viewer",
                                              "name": "Eve,\n\nyour bill: https://evil.example\r\n\nNot for you:"}, expect=201)
        mail = wait.until(lambda: sink.to(made["email"]), "the mail arrives")[0]
        lines = mail.get_content().splitlines()
        assert lines[0].startswith("Hello Eve,") and lines[0].endswith("Not for you:,") and lines[1] == ""
        assert lines[2].startswith("you are invited to ")

    def test_tried_again_after_a_no_for_now(self, place, sink):
        sink.answers[:] = ["451 4.3.0 later"]
        made = place.invite("viewer")
        wait.until(lambda: mails_of(place.database_url, made["id"])[0][5], "the failure is noted")
        (mail_id, _, status, is_wiped, attempts, error), = mails_of(place.database_url, made["id"])
        assert (status, is_wiped, attempts) == ("queued", False, 1) and "later" not in error
        sql(place.database_url, "update mails set next_attempt_at = now() where id = %s", mail_id)
        mail = wait.until(lambda: sink.to(made["email"]), "the second attempt arrives")[0]
        assert mail["Message-ID"] == f"<{mail_id}@vendor.example>"
        wait.until(lambda: mails_of(place.database_url, made["id"])[0][2] == "sent", "noted as sent")

    def test_not_after_a_no_for_good(self, place, sink):
        sink.answers[:] = ["550 5.1.1 nobody here"]
        made = place.invite("viewer")
        wait.until(lambda: mails_of(place.database_url, made["id"])[0][2] == "failed", "given up")
        assert mails_of(place.database_url, made["id"])[0][3], "the text is gone"

    def test_a_dead_relay_holds_up_nothing(self, new_database, new_server):
        dead = Sink()
        dead.stop()
        url = new_database()
        world = World(new_server(url, smtp_url=dead.url, mail_from=FROM), url)
        made = world.invite("viewer")
        wait.until(lambda: mails_of(url, made["id"])[0][5], "the failure is noted")
        assert mails_of(url, made["id"])[0][2] == "queued"
        events_of(world.admin, made["id"], 1)  # other jobs go on

    def test_what_is_no_more_true_is_not_sent(self, place, sink, new_server):
        sink.answers[:] = ["451 later"]
        made = place.invite("viewer")
        wait.until(lambda: mails_of(place.database_url, made["id"])[0][5], "the failure is noted")
        place.act("users", made, "deactivate")
        assert mails_of(place.database_url, made["id"])[0][2:4] == ("cancelled", True)

    def test_sent_once_by_two_instances(self, place, sink, new_server):
        new_server(place.database_url, smtp_url=sink.url, mail_from=FROM, invitation_url=PAGE)
        made = [place.invite("viewer") for _ in range(15)]
        wait.until(lambda: all(sink.to(row["email"]) for row in made), "all arrive", 30)
        wait.until(lambda: not sql(place.database_url, "select 1 from mails where status = 'queued'"), "all are noted")
        assert [len(sink.to(row["email"])) for row in made] == [1] * 15


class TestEncryption:
    @pytest.fixture
    def certificate(self, tmp_path):
        return Certificate(tmp_path)

    def world(self, new_database, new_server, sink, **settings):
        url = new_database()
        return World(new_server(url, smtp_url=sink.url, mail_from=FROM, **settings), url)

    def test_starttls_with_a_known_certificate_and_a_login(self, new_database, new_server, certificate):
        sink = Sink(tls=certificate, user=("partnerd", "s3cret words"))
        world = self.world(new_database, new_server, sink, smtp_tls="required", smtp_ca_file=certificate.certificate,
                           smtp_user="partnerd", smtp_password="s3cret words")
        made = world.invite("viewer")
        wait.until(lambda: sink.to(made["email"]), "the mail arrives")
        assert sink.sessions[-1].ssl is not None and sink.logins == [("partnerd", "s3cret words")]
        sink.stop()

    @pytest.mark.parametrize("offers", [True, False])
    def test_nothing_is_said_to_a_relay_that_is_not_trusted(self, new_database, new_server, certificate, offers):
        sink = Sink(tls=certificate if offers else None)
        world = self.world(new_database, new_server, sink, smtp_tls="required")
        made = world.invite("viewer")
        wait.until(lambda: mails_of(world.database_url, made["id"])[0][5], "the failure is noted")
        assert mails_of(world.database_url, made["id"])[0][2] == "queued" and not sink.envelopes
        sink.stop()

    @pytest.mark.parametrize("settings, sentence", [
        ({"smtp_url": "smtp://relay.example/x"}, "smtp_url"), ({"smtp_url": "http://relay.example"}, "smtp_url"),
        ({"smtp_url": "smtp://user:pw@relay.example"}, "smtp_url"), ({"smtp_url": "smtp://relay.example"}, "needs mail_from"),
        ({"mail_from": "a@b.example\r\nBcc: c@d.example"}, "mail_from"), ({"mail_from": "nobody"}, "mail_from"),
        ({"smtp_tls": "maybe"}, "smtp_tls"), ({"invitation_url": "https://a.example/#x"}, "invitation_url"),
    ])
    def test_settings_that_make_no_sense(self, database_url, settings, sentence):
        done = partnerd("serve", database_url=database_url, settings=settings, status=1)
        assert sentence in done.stderr


class TestByAnIntegration:
    """Without a relay: the event names the mail, the operator's machine client reads it."""

    def queued(self, world, made):
        find = lambda: [event for event in world.mailer().list("/v1/events", {"type": "mail.queued"})
                        if event["data"]["user_id"] == made["id"]]
        return wait.until(find, "mail.queued is in the feed")

    def test_the_event_has_no_secret_the_mail_has(self, world):
        made = world.invite("viewer")
        event = self.queued(world, made)[-1]
        assert made["invitation_token"] not in str(event) and made["email"] not in str(event)
        mail = world.mailer().get(f"/v1/mails/{event['resource']['id']}")
        assert mail["to"] == made["email"] and made["invitation_token"] in mail["text"]
        assert mail["status"] == "queued" and mail.headers["Cache-Control"] == "no-store"
        assert made["invitation_token"] not in str(world.admin.list("/v1/audit-log", {"resource_id": mail["id"]}))

    def test_the_event_is_for_who_may_read_the_mail(self, world):
        made = world.invite("partner_member", by=world.partner("a").user())
        self.queued(world, made)
        for client in (world.admin, world.partner("a").user(), world.partner("a").api):
            assert not client.list("/v1/events", {"type": "mail.queued"})

    def test_sealed_at_rest(self, world):
        made = world.invite("viewer")
        (row,), = sql(world.database_url, "select mails::text from mails where user_id = %s", made["id"])
        assert made["invitation_token"] not in row and "Robin" not in row and made["email"] not in row

    def test_gone_when_accepted(self, world):
        made = world.invite("viewer")
        mail_id = self.queued(world, made)[-1]["resource"]["id"]
        accept(world.server, made["invitation_token"])
        mail = world.mailer().get(f"/v1/mails/{mail_id}")
        assert (mail["status"], mail["subject"], mail["text"]) == ("cancelled", None, None)

    def test_gone_when_too_old(self, world):
        made = world.invite("viewer")
        sql(world.database_url, "update mails set expires_at = now() where user_id = %s", made["id"])
        sql(world.database_url, "update user_tokens set expires_at = now() where user_id = %s", made["id"])
        wait.until(lambda: mails_of(world.database_url, made["id"])[0][2:4] == ("expired", True), "the text is wiped", 30)
        wait.until(lambda: not sql(world.database_url, "select 1 from user_tokens where user_id = %s", made["id"]),
                   "the token is forgotten", 30)

    def test_nobody_else_gets_the_scope(self, world):
        refused = world.admin.post("/v1/api-clients", {"name": "x", "scopes": ["mails:read"]}, expect=422)
        assert refused.errors() == {("#/scopes/0", "invalid_choice")}
        assert "mails:read" not in world.admin.get("/v1/me")["scopes"]
        partner = world.partner("a")
        done = partnerd("client", "create", "--program", world.slug, "--name", "x", "--scopes", "mails:read",
                        "--partner", partner.id, database_url=world.database_url, status=1)
        assert "mails:read" not in done.stdout

    def test_of_another_program_is_missing(self, world, server, database_url):
        other = World(server, database_url)
        mail_id = self.queued(world, world.invite("viewer"))[-1]["resource"]["id"]
        other.mailer().get(f"/v1/mails/{mail_id}", expect=404, problem="not_found")


class TestForgotten:
    def ask(self, place, email, **members):
        answer = Client(place.server).post("/v1/password-resets", {"email": email, **members}, expect=202)
        assert answer.body == b""
        return answer

    def test_link_new_password_sessions_end(self, place, sink):
        user = by_mail(place, sink)
        held = sign_in(place.server, user["email"], PASSWORD, place.slug)
        guess = {"email": user["email"], "password": "something else"}
        guesses = [Client(place.server).post("/v1/sessions", guess).status for _ in range(12)]
        assert guesses[0] == 401 and guesses[-1] == 429, "somebody has guessed, and the account is slowed down"
        self.ask(place, user["email"].upper())
        mail = wait.until(lambda: sink.to(user["email"])[1:], "the mail arrives")[0]
        token = link_of(mail, RESET_PAGE)
        confirm = {"token": token, "new_password": "a lighthouse above the fog"}
        Client(place.server).post("/v1/password-resets/confirm", {**confirm, "new_password": "passwordpassword"}, expect=422)
        assert Client(place.server).post("/v1/password-resets/confirm", confirm, expect=204).body == b""
        sign_in(place.server, user["email"], confirm["new_password"], place.slug)
        Client(place.server).post("/v1/sessions", {"email": user["email"], "password": PASSWORD}, expect=401)
        old = Client(place.server, held["access_token"])
        wait.until(lambda: old.get("/v1/me", expect=None).status == 401, "the session of before has ended")
        refused = Client(place.server).post("/v1/password-resets/confirm", confirm, expect=422)
        assert refused.errors() == {("#/token", "reference_not_found")}

    def test_the_answer_does_not_tell(self, place, sink):
        user = by_mail(place, sink)
        disabled, invited = by_mail(place, sink), place.invite("viewer")
        place.act("users", place.refresh(disabled), "deactivate")
        known = self.ask(place, user["email"])
        for email in (f"{unique('nobody')}@people.example", disabled["email"], invited["email"]):
            other = self.ask(place, email)
            assert sorted(known.headers.keys()) == sorted(other.headers.keys())
        self.ask(place, user["email"], program="another")
        wait.until(lambda: not sql(place.database_url, "select 1 from password_reset_requests"), "all are looked into")
        assert sql(place.database_url, "select user_id::text from mails where kind = 'password_reset'") == [(user["id"],)]

    def test_not_more_than_one_mail_a_quarter_of_an_hour(self, place, sink):
        user = by_mail(place, sink)
        for _ in range(5):
            self.ask(place, user["email"])
        wait.until(lambda: not sql(place.database_url, "select 1 from password_reset_requests"), "all are looked into")
        resets = lambda: len(sql(place.database_url, "select 1 from mails where kind = 'password_reset'"))
        assert resets() == 1
        sql(place.database_url, "update user_tokens set created_at = created_at - interval '15 minutes'")
        self.ask(place, user["email"])
        wait.until(lambda: resets() == 2, "another after a while")

    def test_tokens_are_of_one_kind(self, place, sink):
        made = place.invite("viewer")
        token = link_of(wait.until(lambda: sink.to(made["email"]), "the mail arrives")[0], PAGE)
        refused = Client(place.server).post("/v1/password-resets/confirm", {
            "token": token, "new_password": "a lighthouse above the fog"}, expect=422)
        assert refused.errors() == {("#/token", "reference_not_found")}
        accept(place.server, token)


def test_an_ended_mail_is_forgotten_after_ninety_days(place, sink):
    old, young, waiting = by_mail(place, sink), by_mail(place, sink), place.invite("viewer")
    ended = "update mails set status = 'sent', sealed = null, updated_at = now() - interval %s where user_id = %s"
    sql(place.database_url, ended, "90 days 1 hour", old["id"])
    sql(place.database_url, ended, "89 days 23 hours", young["id"])
    wait.until(lambda: not mails_of(place.database_url, old["id"]), "the old mail is forgotten", 30)
    assert mails_of(place.database_url, young["id"]) and mails_of(place.database_url, waiting["id"])

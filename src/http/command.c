/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands in two round trips. The first reads what is there (the shape's row, its version) and the
 * facts the rule needs, locking nothing. The rule decides in C. The second writes, publishes and
 * reads back in one transaction; the write re-asserts the version and whatever else the decision
 * relied on. When the world moved in between, facts and decision run once more, so that the caller
 * hears the rule's own refusal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engines.h"
#include "offers.h"

struct command {
	const struct endpoint *endpoint;
	struct request *request;
	const struct shape *shape;
	char id[UUID_TEXT_BYTES];
	const struct rows *before; /* NULL on creation */
	const struct rows *facts;
	const char *body; /* as minified JSON, or NULL */
	struct decision decision;
};

static void decref(void *value)
{
	json_decref(value);
}

static json_t *own(struct arena *arena, json_t *value)
{
	arena_defer(arena, decref, value);
	return value;
}

static const char *dump(struct arena *arena, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
	arena_defer(arena, free, text);
	return text;
}

static const char *actor_kind(const struct actor *actor)
{
	if (actor->is_system)
		return "system";
	return actor->is_user ? "user" : "client";
}

const char *request_json(const struct request *request)
{
	const struct actor *actor = request->actor;
	struct text text = TEXT_INIT;
	text_appendf(&text, "{\"request_id\":\"%s\",\"actor_type\":\"%s\",\"actor_id\":\"%s\"",
		request->id, actor_kind(actor), actor->id);
	if (actor->client_id[0] != '\0')
		text_appendf(&text, ",\"client_id\":\"%s\"", actor->client_id);
	if (request->address != NULL) {
		text_append_string(&text, ",\"address\":");
		text_append_json(&text, request->address, strlen(request->address));
	}
	if (request->operation->method == METHOD_PATCH)
		text_append_string(&text, ",\"is_patch\":true");
	if (request->idempotency_key != NULL && !request->dry_run) {
		text_append_string(&text, ",\"key\":");
		text_append_json(&text, request->idempotency_key, strlen(request->idempotency_key));
		text_appendf(&text, ",\"fingerprint\":\"%s\"", request->fingerprint);
	}
	text_append_char(&text, '}');
	const char *json = arena_strndup(request->arena, text.bytes, text.length);
	text_release(&text);
	return json;
}

static struct db_call *add_named(
	struct command *command, struct db_batch *batch, const struct statement *statement)
{
	struct db_call *call = db_add(batch, statement);
	call->params[0] = command->request->actor->program_id;
	call->params[1] = actor_partner(command->request->actor);
	call->params[2] = command->id;
	call->params[3] = command->body;
	return call;
}

/* Trip 1. An invalid body reaches no statement: its casts would fail there. */
static bool read_world(struct command *command, struct problem *problem)
{
	const struct endpoint *endpoint = command->endpoint;
	struct request *request = command->request;
	struct db_batch batch = request_batch(request);
	const struct db_call *before = NULL, *facts = NULL;
	if (!endpoint->creates) {
		bool walled = shape_is_walled(command->shape, request->actor);
		struct db_call *call = db_add(&batch,
			walled ? command->shape->before_partner : command->shape->before_vendor);
		call->params[0] = request->actor->program_id;
		call->params[1] = command->id;
		call->params[2] = walled ? request->actor->partner_id : NULL;
		before = call;
	}
	if (endpoint->facts != NULL && !request->body_problem.is_set)
		facts = add_named(command, &batch, statement_find(endpoint->facts));
	if (batch.call_count > 0 && db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	command->before = before != NULL ? before->rows : NULL;
	command->facts = facts != NULL ? facts->rows : NULL;
	if (command->before != NULL && rows_count(command->before) == 0)
		return refuse_missing(endpoint->resource, problem);
	return true;
}

static bool check_precondition(const struct command *command, struct problem *problem)
{
	struct request *request = command->request;
	if (command->before == NULL || request->operation->if_match == DUTY_NONE)
		return true;
	const char *version = rows_text(command->before, "version");
	if (request->if_match == NULL) {
		if (request->operation->if_match == DUTY_OPTIONAL)
			return true;
		return problem_set(problem, PROBLEM_precondition_required,
			"Send If-Match with the ETag of the version that you saw.");
	}
	if (etag_matches(request->if_match, version, false))
		return true;
	problem->etag = arena_printf(request->arena, "\"%s\"", version);
	return problem_set(problem, PROBLEM_precondition_failed,
		"The resource is at version %s now.", version);
}

static bool decide(struct command *command, struct problem *problem)
{
	struct decision *decision = &command->decision;
	struct arena *arena = command->request->arena;
	const struct endpoint *endpoint = command->endpoint;
	*decision = (struct decision){ 0 };
	uuid_v7(decision->id);
	decision->fields = own(arena, json_object());
	decision->inputs = own(arena, json_object());
	decision->outcome = own(arena, json_object());
	if (endpoint->facts != NULL && rows_count(command->facts) == 0)
		return refuse_missing(endpoint->resource, problem);
	const struct command_input in = {
		.request = command->request,
		.actor = command->request->actor,
		.body = command->request->body,
		.facts = command->facts,
		.id = command->id,
		.version = command->before != NULL ? rows_int(command->before, "version") : 0,
		.before = command->before != NULL ? rows_text(command->before, "flat") : NULL,
	};
	if (!endpoint->decide(&in, decision, problem))
		return false;
	json_object_set_new(decision->fields, "expected_version", json_integer(in.version));
	if (decision->reveal != NULL)
		own(arena, decision->reveal);
	return true;
}

json_t *explanation_steps(const struct explanation *explanation)
{
	json_t *steps = json_array();
	for (size_t i = 0; i < explanation->step_count; i++) {
		const struct explain_step *step = &explanation->steps[i];
		json_array_append_new(
			steps, json_pack("{s:s, s:s?, s:I, s:I, s:s}", "rule", step->rule, "unit",
				       step->unit, "before", (json_int_t)step->before, "after",
				       (json_int_t)step->after, "detail", step->detail));
	}
	return steps;
}

/* $5: the decision as the statements read it. */
static const char *decision_json(struct command *command)
{
	struct decision *decision = &command->decision;
	char event_id[UUID_TEXT_BYTES];
	uuid_v7(event_id);
	json_object_set_new(decision->fields, "event_id", json_string(event_id));
	json_object_set_new(decision->fields, "event", json_string(decision->event));
	if (decision->is_kept) {
		const struct explanation *explanation = &decision->explanation;
		json_object_set_new(decision->fields, "decision_id", json_string(decision->id));
		json_object_set_new(
			decision->fields, "rule_set", json_string(explanation->rule_set));
		json_object_set_new(decision->fields, "rule_set_version",
			json_integer(explanation->rule_set_version));
		json_object_set_new(decision->fields, "steps", explanation_steps(explanation));
		json_object_set(decision->fields, "inputs", decision->inputs);
		json_object_set(decision->fields, "outcome", decision->outcome);
	}
	return dump(command->request->arena, decision->fields);
}

/* Trip 2: write, publish, read back. */
static enum db_failure write_world(
	struct command *command, const struct rows **ret_rows, struct problem *problem)
{
	struct request *request = command->request;
	struct db_batch batch = request_batch(request);
	batch.is_write = true;
	batch.rollback = request->dry_run;
	const char *decision = decision_json(command), *who = request_json(request);
	struct db_call *call = add_named(command, &batch, statement_find(command->endpoint->write));
	const char *flat = command->before != NULL ? rows_text(command->before, "flat") : NULL;
	call->params[4] = decision;
	call->params[5] = who;
	call->params[6] = flat;
	struct db_call *published = add_named(command, &batch, command->shape->published);
	published->params[3] = NULL;
	published->params[4] = decision;
	published->params[5] = who;
	published->params[6] = flat;
	enum db_failure failure = db_run(request->app->db, &batch, problem);
	*ret_rows = published->rows;
	if (failure == DB_NONE && rows_count(published->rows) == 0) {
		problem_set(problem, PROBLEM_internal, "The result could not be read back.");
		return DB_BROKEN;
	}
	return failure;
}

/* Members shown in this one answer and never stored. */
static void write_reveal(struct text *out, struct arena *arena, const json_t *reveal)
{
	const char *members = dump(arena, reveal);
	if (members[1] == '}')
		return;
	text_append_char(out, ',');
	text_append(out, members + 1, strlen(members) - 2);
}

static void answer(struct command *command, struct response *response, const struct rows *rows)
{
	struct request *request = command->request;
	int status = request->operation->success_status;
	if (request->dry_run) {
		response->status = status;
		response->content_type = "application/json";
	} else {
		answer_resource(request, response, command->shape, status, command->id,
			rows_text(rows, "version"));
	}
	const json_t *reveal = command->decision.reveal;
	struct problem ignored = PROBLEM_INIT; /* what was written is told in any case */
	(void)offers_ask(request, command->shape, rows, 1, &ignored);
	if (reveal != NULL)
		response->cache = CACHE_NO_STORE;
	writer_row(&response->body, request, command->shape, rows, 0, true);
	if (reveal != NULL)
		write_reveal(&response->body, request->arena, reveal);
	text_append_char(&response->body, '}');
}

/* A patch that names what is there already makes no version, no event and no entry: the answer is
 * the resource as it stays. */
static bool answer_unchanged(
	const struct command *command, struct response *response, struct problem *problem)
{
	struct request *request = command->request;
	*problem = (struct problem)PROBLEM_INIT;
	request->if_none_match = NULL;
	return fetch_run(command->endpoint, request, response, problem);
}

/* May the same command succeed, or be refused in the rule's own words, when the facts are read
 * again? */
static bool is_worth_another_look(enum db_failure failure, const struct problem *problem)
{
	return failure == DB_WORLD_MOVED ||
	       (failure == DB_REFUSED && problem_status(problem->code) == 409);
}

static bool attempt(struct command *command, struct response *response, struct problem *problem,
	bool *ret_again)
{
	*ret_again = false;
	const struct rows *rows;
	if (!read_world(command, problem) || !check_precondition(command, problem))
		return false;
	if (command->request->body_problem.is_set) {
		*problem = command->request->body_problem;
		return false;
	}
	if (!decide(command, problem))
		return false;
	enum db_failure failure = write_world(command, &rows, problem);
	if (failure == DB_NONE)
		answer(command, response, rows);
	if (failure == DB_UNCHANGED)
		return answer_unchanged(command, response, problem);
	*ret_again = is_worth_another_look(failure, problem);
	return failure == DB_NONE;
}

static void command_init(
	struct command *command, const struct endpoint *endpoint, struct request *request)
{
	*command = (struct command){ .endpoint = endpoint, .request = request };
	command->shape = bindings_shape(request->app->bindings, endpoint->resource);
	if (endpoint->creates)
		uuid_v7(command->id);
	else
		memcpy(command->id, request->path_ids[0], UUID_TEXT_BYTES);
	if (request->body != NULL)
		command->body = dump(request->arena, request->body);
}

/* What the caller may do instead: the actions that a GET would offer in this state. */
static void fill_allowed(const struct command *command, struct problem *problem)
{
	struct text text = TEXT_INIT;
	if (problem->code != PROBLEM_invalid_transition || command->before == NULL ||
		command->shape->resource->transitions == NULL)
		return;
	json_t *before = own(
		command->request->arena, json_loads(rows_text(command->before, "flat"), 0, NULL));
	const char *state = json_string_value(json_object_get(before, "allowed_actions"));
	struct slice marked = slice_of(state != NULL ? state : problem->from);
	struct problem ignored = PROBLEM_INIT;
	(void)offers_ask_one(command->request, command->shape, marked, command->id, &ignored);
	offers_write(&text, command->request, command->shape, marked, slice_of(command->id), " ");
	snprintf(problem->allowed, sizeof problem->allowed, "%s",
		text.bytes != NULL ? text.bytes : "");
	text_release(&text);
}

bool command_run(const struct endpoint *endpoint, struct request *request,
	struct response *response, struct problem *problem)
{
	struct command command;
	bool again;
	command_init(&command, endpoint, request);
	if (attempt(&command, response, problem, &again))
		return true;
	if (again) {
		struct problem first = *problem;
		*problem = (struct problem)PROBLEM_INIT;
		if (attempt(&command, response, problem, &again))
			return true;
		if (problem->code == PROBLEM_internal)
			*problem = first;
	}
	fill_allowed(&command, problem);
	return replay_find(endpoint, request, response, problem);
}

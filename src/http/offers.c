/* SPDX-License-Identifier: Apache-2.0 */
/* State, marks and scopes make the list; a question is asked in a trip of its own, and only about
 * rows whose marks ask it. */
#include "offers.h"

#include <string.h>

#include "engines.h"

/* ---- marks ---- */

/* The next word of the marks, and the rest behind it; empty at the end. */
static struct slice next_word(struct slice *marks)
{
	while (marks->length > 0 && marks->bytes[0] == ' ')
		*marks = (struct slice){ marks->bytes + 1, marks->length - 1 };
	const char *end = memchr(marks->bytes, ' ', marks->length);
	struct slice word = { marks->bytes,
		end != NULL ? (size_t)(end - marks->bytes) : marks->length };
	*marks = (struct slice){ word.bytes + word.length, marks->length - word.length };
	return word;
}

/* Is the caller the one that "-decide@…" keeps the action from? */
static bool is_meant(const struct actor *actor, struct slice whom)
{
	return slice_is(whom, "partner") ? actor->partner_id[0] != '\0' : slice_is(whom, actor->id);
}

static bool is_withheld(const struct request *request, struct slice mark,
	const struct shape_action *action, struct slice id)
{
	size_t length = strlen(action->name);
	if (slice_is(mark, "held"))
		return action->not_while_held;
	if (mark.length <= length || memcmp(mark.bytes + 1, action->name, length) != 0)
		return false;
	struct slice rest = { mark.bytes + 1 + length, mark.length - 1 - length };
	if (mark.bytes[0] == '?')
		return rest.length == 0 &&
		       (request->open_ids == NULL || !word_is_listed(request->open_ids, id));
	if (mark.bytes[0] != '-')
		return false;
	return rest.length == 0 ||
	       (rest.bytes[0] == '@' &&
		       is_meant(request->actor, (struct slice){ rest.bytes + 1, rest.length - 1 }));
}

static bool starts_from(const struct shape_action *action, enum side side, struct slice state)
{
	return word_is_listed(action->from, state) ||
	       (side == SIDE_VENDOR && action->from_vendor != NULL &&
		       word_is_listed(action->from_vendor, state));
}

static bool is_offered(const struct request *request, const struct shape_action *action,
	struct slice state, struct slice marks, struct slice id)
{
	if ((request->actor->scopes & action->scopes) != action->scopes ||
		!starts_from(action, actor_side(request->actor), state))
		return false;
	for (struct slice mark = next_word(&marks); mark.length > 0; mark = next_word(&marks))
		if (is_withheld(request, mark, action, id))
			return false;
	return true;
}

void offers_write(struct text *out, const struct request *request, const struct shape *shape,
	struct slice state, struct slice id, const char *separator)
{
	struct slice marks = state;
	bool first = true;
	state = next_word(&marks);
	for (size_t i = 0; i < shape->action_count; i++) {
		if (!is_offered(request, &shape->actions[i], state, marks, id))
			continue;
		text_append_string(out, first ? "" : separator);
		text_append_string(out, shape->actions[i].name);
		first = false;
	}
}

/* ---- the question ---- */

/* Does the row ask, and would the answer be of any use to this caller? */
static bool asks(const struct request *request, const struct shape *shape, struct slice state)
{
	const char *action = shape->resource->question->action;
	struct slice word;
	next_word(&state);
	while ((word = next_word(&state)).length > 0)
		if (word.bytes[0] == '?' &&
			slice_is((struct slice){ word.bytes + 1, word.length - 1 }, action))
			break;
	for (size_t i = 0; word.length > 0 && i < shape->action_count; i++)
		if (strcmp(shape->actions[i].name, action) == 0)
			return (request->actor->scopes & shape->actions[i].scopes) ==
			       shape->actions[i].scopes;
	return false;
}

static bool ask(struct request *request, const struct shape *shape, const struct text *ids,
	struct problem *problem)
{
	const struct question *question = shape->resource->question;
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, statement_find(question->statement));
	call->params[0] = request->actor->program_id;
	call->params[1] = actor_partner(request->actor);
	call->params[3] = arena_printf(request->arena, "{\"ids\":[%s]}", ids->bytes);
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	request->open_ids = question->open_ids(request, call->rows);
	return true;
}

bool offers_ask(struct request *request, const struct shape *shape, const struct rows *rows,
	size_t count, struct problem *problem)
{
	struct text ids = TEXT_INIT;
	bool good = true;
	int column = shape->resource->question != NULL ? rows_column(rows, "allowed_actions") : -1;
	for (size_t i = 0; column >= 0 && i < count; i++) {
		struct slice state, id;
		state.bytes = rows_cell(rows, i, (size_t)column, &state.length);
		id.bytes = rows_cell(rows, i, (size_t)shape->id_column, &id.length);
		if (asks(request, shape, state))
			text_appendf(&ids, "%s\"%.*s\"", ids.length > 0 ? "," : "", (int)id.length,
				id.bytes);
	}
	if (ids.length > 0)
		good = ask(request, shape, &ids, problem);
	text_release(&ids);
	return good;
}

bool offers_ask_one(struct request *request, const struct shape *shape, struct slice state,
	const char *id, struct problem *problem)
{
	struct text ids = TEXT_INIT;
	if (shape->resource->question == NULL || !asks(request, shape, state))
		return true;
	text_appendf(&ids, "\"%s\"", id);
	bool good = ask(request, shape, &ids, problem);
	text_release(&ids);
	return good;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of deals as a file: every row that the filters leave, in the order in which they were
 * registered, which never changes. As a table for spreadsheets, or as lines of JSON for programs:
 * Accept says which.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "http/accept.h"
#include "http/app.h"
#include "http/list_walk.h"
#include "resources.h"

#define MOST_AT_ONCE \
	8             /* of one process: each reads from the database as fast as its reader takes */
#define MOST_OF_ONE 2 /* of these, for one partner, or for the vendor's side of a program */
#define RETRY_S     5

struct export
{
	struct list_walk *walk;
	bool is_csv;
	struct text lines; /* of the walk's present rows */
	size_t sent;
	char request_id[UUID_TEXT_BYTES];
	size_t place;
};

/* Whose exports run: the partner's id, the program's for its vendor's side; empty: a free place. */
static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;
static char places[MOST_AT_ONCE][UUID_TEXT_BYTES];

static void write_rows(struct export *export)
{
	for (size_t row = 0; row < list_walk_rows(export->walk); row++) {
		if (export->is_csv) {
			list_walk_write_csv(export->walk, row, &export->lines);
			continue;
		}
		list_walk_write_json(export->walk, row, &export->lines);
		text_append_char(&export->lines, '\n');
	}
}

/* False when there is nothing more, or when the rest could not be read. */
static bool go_on(struct export *export, struct problem *problem)
{
	text_clear(&export->lines);
	export->sent = 0;
	if (!list_walk_next(export->walk, problem))
		return false;
	write_rows(export);
	return true;
}

/* A connection that is cut tells the reader that the file is not complete. */
static ssize_t give_up(const struct export *export, const struct problem *problem)
{
	struct log_line line = log_begin(LOG_ERROR, "export was cut");
	log_text(&line, "request_id", export->request_id);
	log_text(&line, "problem", problem_code_text(problem->code));
	log_text(&line, "cause", problem->cause[0] != '\0' ? problem->cause : problem->detail);
	log_end(&line);
	return -1;
}

static ssize_t read_lines(void *context, char *out, size_t room)
{
	struct export *export = context;
	struct problem problem = PROBLEM_INIT;
	if (export->sent == export->lines.length && !go_on(export, &problem))
		return problem.is_set ? give_up(export, &problem) : 0;
	size_t left = export->lines.length - export->sent, length = left < room ? left : room;
	memcpy(out, export->lines.bytes + export->sent, length);
	export->sent += length;
	return (ssize_t)length;
}

static void leave_place(size_t place)
{
	pthread_mutex_lock(&places_lock);
	places[place][0] = '\0';
	pthread_mutex_unlock(&places_lock);
}

static void free_export(void *context)
{
	struct export *export = context;
	list_walk_close(export->walk);
	text_release(&export->lines);
	leave_place(export->place);
	free(export);
}

static bool choose_format(const struct request *request, bool *ret_is_csv, struct problem *problem)
{
	const char *accept = request_header(request, "Accept");
	int csv = accept_quality(accept, "text", "csv"),
	    ndjson = accept_quality(accept, "application", "x-ndjson");
	*ret_is_csv = csv >= ndjson;
	return csv > 0 || ndjson > 0 ||
	       problem_set(problem, PROBLEM_not_acceptable,
		       "The answer is text/csv or application/x-ndjson.");
}

/* A free place, or MOST_AT_ONCE; how many are the owner's already. */
static size_t enter_place(const char *owner, int *ret_own)
{
	size_t found = MOST_AT_ONCE;
	*ret_own = 0;
	pthread_mutex_lock(&places_lock);
	for (size_t i = 0; i < MOST_AT_ONCE; i++) {
		*ret_own += strcmp(places[i], owner) == 0;
		if (places[i][0] == '\0')
			found = i;
	}
	if (found < MOST_AT_ONCE && *ret_own < MOST_OF_ONE)
		memcpy(places[found], owner, strlen(owner) + 1);
	pthread_mutex_unlock(&places_lock);
	return found;
}

static bool take_place(const struct actor *actor, size_t *ret_place, struct problem *problem)
{
	int own;
	const char *partner = actor_partner(actor);
	*ret_place = enter_place(partner != NULL ? partner : actor->program_id, &own);
	problem->retry_after_s = RETRY_S;
	if (own >= MOST_OF_ONE)
		return problem_set(problem, PROBLEM_rate_limited,
			"%d exports of yours are running already.", own);
	if (*ret_place == MOST_AT_ONCE)
		return problem_set(problem, PROBLEM_unavailable, "%d exports are running already.",
			MOST_AT_ONCE);
	problem->retry_after_s = 0;
	return true;
}

static struct export *make(
	const struct request *request, struct list_walk *walk, bool is_csv, size_t place)
{
	struct export *export = calloc(1, sizeof *export);
	const char *bom = request_query(request, "bom");
	if (export == NULL)
		abort();
	*export = (struct export){ .walk = walk, .is_csv = is_csv, .place = place };
	memcpy(export->request_id, request->id, sizeof request->id);
	if (is_csv && strcmp(bom, "true") == 0)
		text_append_string(&export->lines, "\xef\xbb\xbf");
	if (is_csv)
		list_walk_write_csv_head(walk, &export->lines);
	write_rows(export);
	return export;
}

static bool run(struct request *request, struct response *response, struct problem *problem)
{
	bool is_csv;
	size_t place;
	if (!choose_format(request, &is_csv, problem) ||
		!take_place(request->actor, &place, problem))
		return false;
	struct list_walk *walk = list_walk_open(&deal_export_list, request, problem);
	if (walk == NULL || !export_note(request, "deals.exported", is_csv ? "csv" : "ndjson",
				    false, problem)) {
		list_walk_close(walk);
		leave_place(place);
		return false;
	}
	struct export *export = make(request, walk, is_csv, place);
	response->status = 200;
	response->content_type =
		is_csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson";
	response_header(response, "Content-Disposition",
		is_csv ? "attachment; filename=\"deals.csv\""
		       : "attachment; filename=\"deals.ndjson\"");
	response->stream = (struct response_stream){
		.read = read_lines, .free = free_export, .context = export, .size_bytes = -1
	};
	return true;
}

const struct endpoint deal_export_endpoints[] = {
	{ .operation_id = "exportDeals", .list = &deal_export_list, .run = run },
	{ 0 },
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a resource writes down to exist: the rows of api/. The contract (openapi.yaml) already says
 * method, path, scopes, parameters, bodies and duties; a row binds its operationId to a statement,
 * a rule or, rarely, a function. `partnerd check` refuses an operation without a row and a row
 * without an operation.
 */
#ifndef PARTNERD_HTTP_ENDPOINT_H
#define PARTNERD_HTTP_ENDPOINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "db/db.h"
#include "domain/explain.h"
#include "domain/state.h"
#include "http/request.h"
#include "http/response.h"

/*
 * What a state leaves open and only a rule can tell for this caller: asked once for all rows of an
 * answer that carry the mark "?<action>".
 */
struct question {
	const char *action;
	const char *statement; /* $4: {"ids": […]}; one row */
	/* The ids, separated by a space, of those that the caller may take the action with. */
	const char *(*open_ids)(const struct request *request, const struct rows *facts);
};

/* Something that is done with a resource by an operation of another path, and is offered beside its
 * actions to whoever has that operation's scopes. */
struct offer {
	const char *action, *operation_id;
	const char *from;        /* states separated by a space */
	const char *from_vendor; /* more of them, for the vendor's side; or NULL */
};

/*
 * A kind of thing the API shows. `shape` is a view of sql/shapes whose columns are the members: a
 * dotted name makes a nested object, a leading "vendor:" hides the value from partners, a leading
 * "_" is never written. A group of dotted members that are all null is written as null. A leading
 * "flat:" marks a stored row of another resource's shape, named by the column "_flat_type";
 * "changes:" one of {previous, current} of such a row. A column "allowed_actions" holds the state
 * and marks, separated by spaces, and is written as the list of actions (offers.h); a column
 * "is_current" holds the id of a session and is written as whether it is the actor's. The
 * view has program_id as "_program_id", partner_id as
 * "_partner_id" (null = the vendor's) and id.
 */
struct resource {
	const char *object; /* "deal": resource_type of events and audit */
	const char *shape;  /* "deal_shape" */
	const char *path;   /* "/v1/deals/": Location is path + id; NULL: has no place of its own */
	bool shared;        /* rows belong to the program as a whole: partners may read them too */
	/* Rows tell of other resources, named by the column "resource.object": a list shows those
	 * of resources that the actor has the scopes to GET, and no other. */
	bool tells_of_others;
	/*
	 * Ends with action NULL; NULL when the shape has no allowed_actions. An action is offered
	 * when the state allows it and the actor has the scopes of `POST <path>{id}/<action>` in
	 * the contract.
	 */
	const struct transition *transitions;
	const char *not_while_held; /* of these, the actions that need an active partner: "a b" */
	const struct offer *offers; /* ends with action NULL; or NULL */
	const struct question *question; /* or NULL */
};

/*
 * A condition that a rule judges, not SQL: "ids" of what holds, as PostgreSQL's text of an array,
 * or NULL when the filter's `sql` says it.
 */
typedef bool (*find_fn)(struct request *request, const char **ret_ids, struct problem *problem);

/*
 * One query parameter of a list. `{}` in `sql` stands for the parameter's placeholder, $1 for the
 * program: a select within the condition is a join only when it names no column of s. Without
 * `sql` the column of the parameter's name has to be the value, or one of the values.
 */
struct filter {
	const char *parameter; /* name in the contract, else with from_path of the column */
	const char *sql;       /* "s.amount >= {}" */
	const char *sql_many;  /* for repeated values, {} is an array, uuid[] for 'u', else text[];
				  NULL: `sql` is for one value only */
	const char *value;     /* this row is for this one value only, and stands before the general
				  one; else NULL */
	char type;             /* letter of db.h */
	bool from_path;        /* the value is the path's first id */
	/*
	 * A search that an index answers better than a condition: this named statement gets the
	 * value as the body's member "value" and answers "ids", all that match, or null when there
	 * are so many that a walk along the list meets them; `sql` then decides. The vendor's only:
	 * a partner walks along its own.
	 */
	const char *search;
	find_fn find; /* or NULL */
};

static inline bool filter_is(const struct filter *filter)
{
	return filter != NULL && filter->parameter != NULL;
}

struct sort {
	const char *name;   /* value of `sort` without the minus */
	const char *column; /* not null; ties are broken by id */
	const char *key;    /* instead of the column: an expression of s.… that an index has */
	char type;          /* letter of db.h */
	bool unique;        /* no tie possible: id is left out of the key */
};

struct list {
	const struct resource *resource;
	const struct filter *filters; /* ends with parameter NULL; or NULL */
	const struct sort *sorts;     /* the first is the default; ends with name NULL */
	const struct resource
		*parent; /* the path's first id must name a visible one of these, else 404 */
};

/* ---- commands ---- */
struct command_input {
	struct request *request;
	const struct actor *actor;
	const json_t *body;       /* checked; NULL when the operation has none */
	const struct rows *facts; /* one row, or NULL when the row names no facts */
	const char *id;           /* of the resource: from the path, or new */
	int64_t version;          /* before the write, 0 on create */
	const char *before;       /* the shape's row before the write, flat JSON; NULL on create */
};

/* ---- helpers of decide functions (command_input.c) ---- */

/* The last segment of the operation's path: "approve". */
const char *command_action(const struct command_input *in);
/* A member of the row before the write; NULL for null. */
const char *command_before_text(const struct command_input *in, const char *member);
/* Member of the body as text, or NULL. */
const char *command_body_text(const struct command_input *in, const char *member);
int64_t command_body_int(const struct command_input *in, const char *member, int64_t otherwise);

/*
 * Merge patch (RFC 7396) onto columns: the named members of the body go into `set` under the same
 * name, null included; members that are absent are left out and so keep their value. Ends with
 * NULL.
 */
void patch_columns(const struct command_input *in, json_t *set, const char *const *names);
/*
 * A map (external_ids, custom_fields): merged with what is there, null deletes a key. False when it
 * would hold more than the contract allows.
 */
bool patch_map(
	const struct command_input *in, json_t *set, const char *name, struct problem *problem);

/*
 * What a rule decided: handed to the write statement as $5 and stored when it explains something.
 * `fields` is the JSON the statement reads; ids and expected_version are added by the engine.
 */
struct decision {
	char id[UUID_TEXT_BYTES]; /* made by the engine: what GET /v1/decisions/{id} will answer to
				   */
	json_t *fields;           /* an object, created by the engine, filled by decide */
	json_t *inputs; /* kept with the explanation for the vendor's eyes; created by the engine */
	json_t *outcome;   /* kept with the explanation for everybody's; created by the engine */
	const char *event; /* "deal.approved"; the ledger's action as well */
	struct explanation explanation;
	json_t *reveal; /* members added to this one answer and never stored (secrets), or NULL */
	bool is_kept;   /* store the explanation as a decision (GET /v1/decisions/{id}) */
};

/* The steps as decisions show them: a new array. */
json_t *explanation_steps(const struct explanation *explanation);

/* A batch behind the walls of the request's actor. */
struct db_batch request_batch(const struct request *request);

/*
 * The row that a named statement gives about the path's first id, behind the walls of the request's
 * actor; `body` is its $4, or NULL. NULL with the problem set when the database fails, or there is
 * no row: then 404 in the words `missing`.
 */
const struct rows *request_row(struct request *request, const char *statement, const char *body,
	const char *missing, struct problem *problem);

/* $6 of the statements: who asks, for events, ledger and idempotency. */
const char *request_json(const struct request *request);

typedef bool (*decide_fn)(
	const struct command_input *in, struct decision *out, struct problem *problem);
/* Fills the response, or sets the problem and returns false. */
typedef bool (*run_fn)(struct request *request, struct response *response, struct problem *problem);

enum endpoint_self {
	SELF_NONE,
	SELF_PROGRAM, /* the actor's program (GET /v1/program) */
	SELF_USER,    /* the actor, who must be a person */
	SELF_SESSION, /* the session of the actor's token, which a machine has not */
	SELF_ACTOR,   /* the actor, a person or a machine client */
};

struct endpoint {
	const char *operation_id;
	const struct resource *resource;
	const struct list *list; /* list engine */
	bool get;                /* get engine: the resource's shape by the path's first id */
	const char *facts;       /* statement, one row; NULL: none */
	decide_fn decide;        /* the rule of a command */
	const char *write;       /* statement, must end in assert_written() */
	bool creates;            /* new id; answers 201 with Location */
	bool reveals;            /* the answer has members beyond the shape, shown this once */
	run_fn run;              /* the escape hatch */
	bool is_slow; /* hashes a password: answered on a lane, beside the workers (lanes.h); a POST
		       */
	bool is_rationed; /* tells something about others: a budget of its own for each partner */
	bool is_rationed_dry;    /* the same, but only the dry run of a partner, which is traced */
	bool while_enrolling;    /* open to a session that has to set up a second factor first */
	enum endpoint_self self; /* whose id it is when the path names none */
};

/* All rows of a resource file end with operation_id NULL; api/endpoints.c lists the files. */
extern const struct endpoint *const all_endpoints[];

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Hands a checked request to the engine its row asks for. */
#include "engines.h"

/* Where the path names no id, it is the actor's own. */
static bool take_own_id(
	const struct endpoint *endpoint, struct request *request, struct problem *problem)
{
	const struct actor *actor = request->actor;

	if ((endpoint->self == SELF_USER || endpoint->self == SELF_SESSION) && !actor->is_user)
		return problem_set(problem, PROBLEM_forbidden,
			"Only a person can do this, not a machine client.");
	if (endpoint->self == SELF_SESSION && !actor->session_id[0])
		return problem_set(problem, PROBLEM_not_found,
			"Who comes with a token of an identity provider has no session here.");
	switch (endpoint->self) {
	case SELF_NONE: break;
	case SELF_PROGRAM: request->path_ids[0] = actor->program_id; break;
	case SELF_USER:
	case SELF_ACTOR: request->path_ids[0] = actor->id; break;
	case SELF_SESSION: request->path_ids[0] = actor->session_id; break;
	}
	return true;
}

bool engine_run(struct request *request, struct response *response, struct problem *problem)
{
	const struct endpoint *endpoint =
		bindings_endpoint(request->app->bindings, request->operation);
	if (!take_own_id(endpoint, request, problem))
		return false;
	if (endpoint->run != NULL)
		return endpoint->run(request, response, problem);
	if (endpoint->list != NULL)
		return list_run(endpoint, request, response, problem);
	if (endpoint->write != NULL)
		return command_run(endpoint, request, response, problem);
	return fetch_run(endpoint, request, response, problem);
}

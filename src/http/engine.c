/* SPDX-License-Identifier: Apache-2.0 */
/* Hands a checked request to the engine its row asks for. */
#include "engines.h"

bool engine_run(struct request *request, struct response *response, struct problem *problem)
{
	const struct endpoint *endpoint =
		bindings_endpoint(request->app->bindings, request->operation);
	if (endpoint->run != NULL)
		return endpoint->run(request, response, problem);
	if (endpoint->list != NULL)
		return list_run(endpoint, request, response, problem);
	if (endpoint->write != NULL)
		return command_run(endpoint, request, response, problem);
	return fetch_run(endpoint, request, response, problem);
}

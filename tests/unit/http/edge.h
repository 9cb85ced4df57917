/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request before a small contract, as the gate would have it when it reaches the part under test.
 * Also used by the fuzz targets, hence no cmocka here.
 */
#ifndef PARTNERD_TEST_EDGE_H
#define PARTNERD_TEST_EDGE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/contract.h"
#include "http/app.h"
#include "http/exchange.h"
#include "http/request.h"

static const char edge_yaml[] =
	"openapi: 3.1.0\n"
	"components:\n"
	"  securitySchemes: {oauth2: {type: oauth2}}\n"
	"  parameters:\n"
	"    DealId: {name: deal_id, in: path, required: true, schema: {type: string, format: "
	"uuid}}\n"
	"    Key: {name: Idempotency-Key, in: header, required: true, schema: {type: string}}\n"
	"  schemas:\n"
	"    Deal: {type: object, properties: {id: {type: string}}}\n"
	"    Input: {type: object, additionalProperties: false, required: [name], properties: "
	"{name: {type: string, minLength: 2}, count: {type: integer}}}\n"
	"  responses:\n"
	"    Deal: {description: d, content: {application/json: {schema: {$ref: "
	"'#/components/schemas/Deal'}}}}\n"
	"paths:\n"
	"  /v1/deals:\n"
	"    get:\n"
	"      operationId: listDeals\n"
	"      security: [{oauth2: []}]\n"
	"      parameters:\n"
	"        - {name: status, in: query, schema: {type: array, items: {type: string, enum: "
	"[won, lost]}}}\n"
	"        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100, "
	"default: 25}}\n"
	"        - {name: customer_name, in: query, schema: {type: string, maxLength: 20}}\n"
	"        - {name: dry_run, in: query, schema: {type: boolean}}\n"
	"      responses: {'200': {$ref: '#/components/responses/Deal'}}\n"
	"    post:\n"
	"      operationId: registerDeal\n"
	"      security: [{oauth2: []}]\n"
	"      parameters: [{$ref: '#/components/parameters/Key'}]\n"
	"      requestBody: {required: true, content: {application/json: {schema: {$ref: "
	"'#/components/schemas/Input'}}}}\n"
	"      responses: {'201': {$ref: '#/components/responses/Deal'}}\n"
	"  /v1/deals/{deal_id}:\n"
	"    parameters: [{$ref: '#/components/parameters/DealId'}]\n"
	"    get: {operationId: getDeal, security: [{oauth2: []}], responses: {'200': {$ref: "
	"'#/components/responses/Deal'}}}\n"
	"    patch:\n"
	"      operationId: updateDeal\n"
	"      security: [{oauth2: []}]\n"
	"      requestBody:\n"
	"        content:\n"
	"          application/merge-patch+json: {schema: {$ref: '#/components/schemas/Input'}}\n"
	"          application/json: {schema: {$ref: '#/components/schemas/Input'}}\n"
	"      responses: {'200': {$ref: '#/components/responses/Deal'}}\n"
	"  /v1/deals/{deal_id}/submit:\n"
	"    parameters: [{$ref: '#/components/parameters/DealId'}]\n"
	"    post: {operationId: submitDeal, security: [{oauth2: []}], responses: {'204': "
	"{description: d}}}\n"
	"  /v1/reports:\n"
	"    get:\n"
	"      operationId: getReport\n"
	"      security: [{oauth2: []}]\n"
	"      parameters:\n"
	"        - {name: year, in: query, required: true, schema: {type: integer}}\n"
	"      responses: {'200': {$ref: '#/components/responses/Deal'}}\n"
	"  /oauth/token:\n"
	"    post:\n"
	"      operationId: createToken\n"
	"      security: []\n"
	"      requestBody: {required: true, content: {application/x-www-form-urlencoded: "
	"{schema: {type: object}}}}\n"
	"      responses: {'200': {$ref: '#/components/responses/Deal'}}\n";

#define EDGE_MAX_FIELDS 16

struct edge {
	struct app app;
	struct settings settings;
	struct exchange exchange;
	struct field fields[EDGE_MAX_FIELDS];
	struct request request;
	struct problem problem;
};

static inline void edge_open(struct edge *edge)
{
	struct text error = TEXT_INIT;

	memset(edge, 0, sizeof(*edge));
	edge->app.settings = &edge->settings;
	edge->app.contract = contract_load(edge_yaml, strlen(edge_yaml), &error);
	if (!edge->app.contract) {
		fprintf(stderr, "%s\n", error.bytes);
		abort();
	}
	edge->exchange.fields.items = edge->fields;
	edge->request.arena = arena_new();
}

static inline void edge_close(struct edge *edge)
{
	arena_free(edge->request.arena);
	contract_free(edge->app.contract);
}

/* A new request for the operation (NULL: none yet), without fields, query or body. */
static inline void edge_reset(struct edge *edge, const char *operation_id)
{
	struct arena *arena = edge->request.arena;

	arena_reset(arena);
	memset(&edge->request, 0, sizeof(edge->request));
	memset(&edge->problem, 0, sizeof(edge->problem));
	edge->exchange.fields.count = 0;
	edge->exchange.fields.bytes = 0;
	edge->exchange.fields.is_broken = false;
	edge->request.app = &edge->app;
	edge->request.arena = arena;
	edge->request.connection = &edge->exchange;
	edge->request.method_text = "GET";
	edge->request.raw_query = (struct slice){ "", 0 };
	if (operation_id)
		edge->request.operation =
			contract_operation_by_id(edge->app.contract, operation_id);
}

static inline void edge_field(struct edge *edge, const char *name, const char *value)
{
	struct fields *fields = &edge->exchange.fields;

	fields->bytes += strlen(name) + strlen(value) + 4;
	fields->items[fields->count++] =
		(struct field){ { name, strlen(name) }, { value, strlen(value) } };
}

#endif

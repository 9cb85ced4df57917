/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as YAML, and what can be read as a contract: no crash, no leak; what is read can be
 * written as JSON, and a refusal says why.
 */
#include <stdint.h>
#include <stdlib.h>

#include "contract/contract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_yaml(const char *bytes, size_t size)
{
	struct text error = TEXT_INIT;
	json_t *value = yaml_to_json(bytes, size, &error);
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

	if (!value == (error.length == 0) || (value && !text))
		abort();
	free(text);
	json_decref(value);
	text_release(&error);
}

/* The bytes as the paths of a contract that has a few components. */
static void read_contract(const char *bytes, size_t size)
{
	static const char head[] =
		"openapi: 3.1.0\ncomponents:\n  schemas:\n"
		"    A: {type: object, properties: {b: {$ref: '#/components/schemas/A'}}}\n"
		"  responses: {R: {content: {application/json: {schema: {$ref: "
		"'#/components/schemas/A'}}}}}\npaths:\n";
	struct text error = TEXT_INIT, yaml = TEXT_INIT;
	struct contract *contract;

	text_append(&yaml, head, sizeof(head) - 1);
	text_append(&yaml, bytes, size);
	contract = contract_load(yaml.bytes, yaml.length, &error);
	if (!contract == (error.length == 0) ||
		(contract && contract_operation_count(contract) == 0))
		abort();
	contract_free(contract);
	text_release(&yaml);
	text_release(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;

	if (size == 0)
		return 0;
	if (data[0] == 'P')
		read_contract(bytes + 1, size - 1);
	else
		read_yaml(bytes, size);
	return 0;
}

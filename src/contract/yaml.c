/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to JSON by the events of libyaml. Plain scalars are read by the core schema of YAML 1.2, so
 * `no` is a string, a date is a string and 010 is ten; quoted and block scalars are always strings.
 * What JSON cannot say the same way everywhere is refused: anchors, aliases, tags, duplicate or
 * composite keys, NUL, infinities, a second document.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "contract/contract.h"

#define DEPTH_MAX 64

/* Must be initialised with { 0 }: it is deleted on every way out. */
#define EVENT __attribute__((cleanup(yaml_event_delete))) yaml_event_t

struct loader {
	yaml_parser_t parser;
	struct text *reterr;
};

static json_t *build(struct loader *loader, const yaml_event_t *event, size_t depth);

/* Appends "line L, column C: sentence" and returns NULL. */
static json_t *fail(struct loader *loader, yaml_mark_t mark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static json_t *fail(struct loader *loader, yaml_mark_t mark, const char *format, ...)
{
	char sentence[200];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	text_appendf(loader->reterr, "line %zu, column %zu: %s", mark.line + 1, mark.column + 1,
		sentence);
	return NULL;
}

static bool next_event(struct loader *loader, yaml_event_t *ret_event)
{
	const yaml_parser_t *parser = &loader->parser;

	if (yaml_parser_parse(&loader->parser, ret_event))
		return true;
	fail(loader, parser->problem_mark, "%s", parser->problem ? parser->problem : "no YAML");
	return false;
}

static bool is_any(const char *text, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static size_t span_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* [-+]?[0-9]+ */
static bool is_decimal(const char *text)
{
	text += *text == '-' || *text == '+';
	return *text != '\0' && text[span_digits(text)] == '\0';
}

/* 0o[0-7]+ and 0x[0-9a-fA-F]+ */
static int prefixed_base(const char *text)
{
	if (text[0] != '0' || text[1] == '\0' || text[2] == '\0')
		return 0;
	if (text[1] == 'o' && text[2 + strspn(text + 2, "01234567")] == '\0')
		return 8;
	if (text[1] == 'x' && text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == '\0')
		return 16;
	return 0;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *text)
{
	size_t whole, part = 0;

	text += *text == '-' || *text == '+';
	whole = span_digits(text);
	text += whole;
	if (*text == '.') {
		part = span_digits(text + 1);
		text += 1 + part;
	}
	if (whole + part == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		return is_decimal(text);
	}
	return *text == '\0';
}

static json_t *integer(struct loader *loader, const yaml_event_t *event, const char *text, int base)
{
	long long value;

	errno = 0;
	value = strtoll(base == 10 ? text : text + 2, NULL, base);
	if (errno == ERANGE)
		return fail(loader, event->start_mark, "the number %.40s is out of range", text);
	return json_integer(value);
}

static json_t *real(struct loader *loader, const yaml_event_t *event, const char *text)
{
	double value = strtod(text, NULL);

	if (!isfinite(value))
		return fail(loader, event->start_mark, "the number %.40s is out of range", text);
	return json_real(value);
}

/* The core schema, YAML 1.2.2 §10.3.2. */
static json_t *plain(struct loader *loader, const yaml_event_t *event, const char *text)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	static const char *const specials[] = { ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
		"-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN", NULL };
	int base = is_decimal(text) ? 10 : prefixed_base(text);

	if (is_any(text, nulls))
		return json_null();
	if (is_any(text, trues))
		return json_true();
	if (is_any(text, falses))
		return json_false();
	if (is_any(text, specials))
		return fail(loader, event->start_mark, "JSON has no number %s", text);
	if (base > 0)
		return integer(loader, event, text, base);
	return is_float(text) ? real(loader, event, text) : json_string(text);
}

/* The text of a scalar, checked for what no value and no key may have. */
static const char *scalar_text(struct loader *loader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;

	if (event->data.scalar.anchor)
		fail(loader, event->start_mark, "anchors are not supported");
	else if (event->data.scalar.tag)
		fail(loader, event->start_mark, "tags are not supported");
	else if (strlen(text) != event->data.scalar.length)
		fail(loader, event->start_mark, "NUL is not allowed in text");
	else
		return text;
	return NULL;
}

static json_t *build_scalar(struct loader *loader, const yaml_event_t *event)
{
	const char *text = scalar_text(loader, event);
	json_t *value;

	if (!text)
		return NULL;
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return plain(loader, event, text);
	value = json_string(text);
	return value ? value : fail(loader, event->start_mark, "the text is not UTF-8");
}

static bool add_item(struct loader *loader, json_t *array, const yaml_event_t *event, size_t depth)
{
	json_t *item = build(loader, event, depth);

	return item && json_array_append_new(array, item) == 0;
}

/* Reads the value behind the key in `event` and adds both. */
static bool add_member(
	struct loader *loader, json_t *object, const yaml_event_t *event, size_t depth)
{
	EVENT value_event = { 0 };
	const char *key;
	json_t *value;

	if (event->type != YAML_SCALAR_EVENT)
		return fail(loader, event->start_mark, "a key must be a single scalar");
	key = scalar_text(loader, event);
	if (!key)
		return false;
	if (json_object_get(object, key))
		return fail(loader, event->start_mark, "duplicate key '%.100s'", key);
	if (!next_event(loader, &value_event))
		return false;
	value = build(loader, &value_event, depth);
	if (!value)
		return false;
	if (json_object_set_new(object, key, value) == 0)
		return true;
	return fail(loader, event->start_mark, "the key is not UTF-8");
}

/* Fills `container`, which it owns, up to the event that ends it. */
static json_t *fill(struct loader *loader, json_t *container, size_t depth)
{
	bool is_array = json_is_array(container);
	bool is_fine = true;

	while (is_fine) {
		EVENT event = { 0 };

		is_fine = next_event(loader, &event);
		if (!is_fine)
			break;
		if (event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT)
			return container;
		is_fine = is_array ? add_item(loader, container, &event, depth)
				   : add_member(loader, container, &event, depth);
	}
	json_decref(container);
	return NULL;
}

static json_t *build_container(struct loader *loader, const yaml_event_t *event, size_t depth)
{
	bool is_array = event->type == YAML_SEQUENCE_START_EVENT;
	bool has_anchor =
		is_array ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
	bool has_tag = is_array ? event->data.sequence_start.tag : event->data.mapping_start.tag;

	if (has_anchor)
		return fail(loader, event->start_mark, "anchors are not supported");
	if (has_tag)
		return fail(loader, event->start_mark, "tags are not supported");
	if (depth == DEPTH_MAX)
		return fail(loader, event->start_mark, "nested more than %d deep", DEPTH_MAX);
	return fill(loader, is_array ? json_array() : json_object(), depth + 1);
}

static json_t *build(struct loader *loader, const yaml_event_t *event, size_t depth)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT: return build_scalar(loader, event);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT: return build_container(loader, event, depth);
	case YAML_ALIAS_EVENT: return fail(loader, event->start_mark, "aliases are not supported");
	default: return fail(loader, event->start_mark, "a value is missing");
	}
}

static bool expect(struct loader *loader, yaml_event_type_t type, const char *sentence)
{
	EVENT event = { 0 };

	if (!next_event(loader, &event))
		return false;
	return event.type == type || fail(loader, event.start_mark, "%s", sentence);
}

static json_t *load(struct loader *loader)
{
	EVENT event = { 0 };
	json_t *value;

	if (!expect(loader, YAML_STREAM_START_EVENT, "no YAML") ||
		!expect(loader, YAML_DOCUMENT_START_EVENT, "the document is empty") ||
		!next_event(loader, &event))
		return NULL;
	value = build(loader, &event, 0);
	if (value && expect(loader, YAML_DOCUMENT_END_EVENT, "the document does not end") &&
		expect(loader, YAML_STREAM_END_EVENT, "there is a second document"))
		return value;
	json_decref(value);
	return NULL;
}

json_t *yaml_to_json(const char *yaml, size_t length, struct text *reterr)
{
	struct loader loader = { .reterr = reterr };
	json_t *value;

	if (!yaml_parser_initialize(&loader.parser)) {
		text_append_string(reterr, "out of memory");
		return NULL;
	}
	yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&loader.parser, (const unsigned char *)yaml, length);
	value = load(&loader);
	yaml_parser_delete(&loader.parser);
	return value;
}

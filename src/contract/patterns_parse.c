/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses a regular expression by recursive descent: alternatives, sequences, quantified atoms.
 * Groups only group. A character that has a meaning elsewhere in ECMA 262 and none here must be
 * escaped, so that no pattern means one thing to this server and another to a client's library. A
 * new construct needs a case in parse_atom.
 */
#include "contract/patterns_tree.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_MAX  1000
#define RANGES_MAX  64
#define NESTING_MAX 32
#define REPEAT_MAX  1000
#define LAST_POINT  0x10FFFFu

struct ranges {
	struct range items[RANGES_MAX];
	size_t count;
};

struct parser {
	struct arena *arena;
	const char *at;
	const char *error; /* the first thing that is wrong, or NULL */
	size_t nesting;
};

static const struct range digits[] = { { '0', '9' } };
static const struct range words[] = { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } };
static const struct range spaces[] = { { '\t', '\r' }, { ' ', ' ' }, { 0xA0, 0xA0 },
	{ 0x1680, 0x1680 }, { 0x2000, 0x200A }, { 0x2028, 0x2029 }, { 0x202F, 0x202F },
	{ 0x205F, 0x205F }, { 0x3000, 0x3000 }, { 0xFEFF, 0xFEFF } };
static const struct range line_ends[] = { { '\n', '\n' }, { '\r', '\r' }, { 0x2028, 0x2029 } };

static const struct node *parse_either(struct parser *parser);

/* Keeps the first error and returns NULL. */
static void *fail(struct parser *parser, const char *error)
{
	if (!parser->error)
		parser->error = error;
	return NULL;
}

static void ranges_add(struct parser *parser, struct ranges *ranges, uint32_t low, uint32_t high)
{
	if (low > high)
		fail(parser, "a range in a class runs backwards");
	else if (ranges->count == RANGES_MAX)
		fail(parser, "a class has too many ranges");
	else
		ranges->items[ranges->count++] = (struct range){ low, high };
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	return (left->low > right->low) - (left->low < right->low);
}

/* Adds everything that is not in `items`, which are in order. */
static void ranges_add_others(
	struct parser *parser, struct ranges *ranges, const struct range *items, size_t count)
{
	uint32_t next = 0;

	for (size_t i = 0; i < count; i++) {
		if (items[i].low > next)
			ranges_add(parser, ranges, next, items[i].low - 1);
		if (items[i].high >= next)
			next = items[i].high + 1;
	}
	if (next <= LAST_POINT)
		ranges_add(parser, ranges, next, LAST_POINT);
}

static const struct node *node_new(struct parser *parser, enum node_kind kind,
	const struct node *left, const struct node *right)
{
	struct node *node = arena_zalloc(parser->arena, sizeof(*node));

	node->kind = kind;
	node->left = left;
	node->right = right;
	return node;
}

static const struct node *set_node(struct parser *parser, const struct ranges *ranges)
{
	struct node *node = arena_zalloc(parser->arena, sizeof(*node));
	struct range *copy = arena_alloc(parser->arena, (ranges->count + 1) * sizeof(*copy));

	memcpy(copy, ranges->items, ranges->count * sizeof(*copy));
	node->kind = NODE_SET;
	node->set = (struct set){ copy, ranges->count };
	return node;
}

/* \d, \W and the like. False when the letter names no class. */
static bool add_class_escape(struct parser *parser, struct ranges *ranges, char letter)
{
	static const struct {
		char letter;
		const struct range *items;
		size_t count;
	} classes[] = { { 'd', digits, 1 }, { 'w', words, 4 }, { 's', spaces, 10 } };

	for (size_t i = 0; i < 3; i++) {
		if (letter == classes[i].letter) {
			for (size_t j = 0; j < classes[i].count; j++)
				ranges_add(parser, ranges, classes[i].items[j].low,
					classes[i].items[j].high);
			return true;
		}
		if (letter == classes[i].letter - 'a' + 'A') {
			ranges_add_others(parser, ranges, classes[i].items, classes[i].count);
			return true;
		}
	}
	return false;
}

/* \xHH and \uHHHH; `parser->at` stands behind the letter. */
static uint32_t parse_hex(struct parser *parser, size_t length)
{
	char text[5] = { 0 };

	for (size_t i = 0; i < length; i++, parser->at++) {
		if (*parser->at == '\0' || !strchr("0123456789abcdefABCDEF", *parser->at)) {
			fail(parser, "an escape lacks hexadecimal digits");
			return 0;
		}
		text[i] = *parser->at;
	}
	return (uint32_t)strtoul(text, NULL, 16);
}

/* A character behind a backslash that stands for itself or for a control character. */
static uint32_t parse_escape(struct parser *parser)
{
	static const char letters[] = "tnrfv", controls[] = "\t\n\r\f\v";
	char letter = *parser->at;
	const char *control = letter ? strchr(letters, letter) : NULL;

	if (letter == '\0' || !strchr("^$\\.*+?()[]{}|/-_,:;@#%&=!\"'<>~` tnrfvxu", letter)) {
		fail(parser, "an escape is not supported");
		return 0;
	}
	parser->at++;
	if (control)
		return (unsigned char)controls[control - letters];
	if (letter == 'x')
		return parse_hex(parser, 2);
	return letter == 'u' ? parse_hex(parser, 4) : (unsigned char)letter;
}

/* One member of a class: false when it was a class of its own, which cannot begin a range. */
static bool parse_class_point(struct parser *parser, struct ranges *ranges, uint32_t *ret_point)
{
	if (*parser->at != '\\') {
		*ret_point = pattern_read_point(&parser->at, parser->at + strlen(parser->at));
		return true;
	}
	parser->at++;
	if (*parser->at && add_class_escape(parser, ranges, *parser->at)) {
		parser->at++;
		return false;
	}
	*ret_point = parse_escape(parser);
	return true;
}

static const struct node *parse_class(struct parser *parser)
{
	struct ranges ranges = { .count = 0 }, others = { .count = 0 };
	bool is_negated = *parser->at == '^';

	parser->at += is_negated;
	while (*parser->at != ']' && !parser->error) {
		uint32_t low, high;

		if (*parser->at == '\0')
			return fail(parser, "a class is not closed");
		if (!parse_class_point(parser, &ranges, &low))
			continue;
		high = low;
		if (parser->at[0] == '-' && parser->at[1] != ']' && parser->at[1] != '\0') {
			parser->at++;
			if (!parse_class_point(parser, &ranges, &high))
				return fail(parser, "a range in a class ends in a class");
		}
		ranges_add(parser, &ranges, low, high);
	}
	if (parser->error)
		return NULL;
	parser->at++;
	if (!is_negated)
		return set_node(parser, &ranges);
	qsort(ranges.items, ranges.count, sizeof(ranges.items[0]), compare_ranges);
	ranges_add_others(parser, &others, ranges.items, ranges.count);
	return set_node(parser, &others);
}

static const struct node *parse_group(struct parser *parser)
{
	const struct node *node;

	if (parser->at[0] == '?' && parser->at[1] != ':')
		return fail(parser, "look-around and named groups are not supported");
	if (parser->at[0] == '?')
		parser->at += 2;
	if (++parser->nesting > NESTING_MAX)
		return fail(parser, "groups are nested too deeply");
	node = parse_either(parser);
	parser->nesting--;
	if (*parser->at != ')')
		return fail(parser, "a group is not closed");
	parser->at++;
	return node;
}

static const struct node *parse_atom(struct parser *parser)
{
	struct ranges ranges = { .count = 0 };
	uint32_t point;
	char c = *parser->at;

	if (strchr("*+?{}]", c))
		return fail(parser, "a quantifier or bracket stands alone");
	if (c == '^' || c == '$' || c == '(' || c == '[' || c == '.')
		parser->at++;
	if (c == '^' || c == '$')
		return node_new(parser, c == '^' ? NODE_START : NODE_END, NULL, NULL);
	if (c == '(')
		return parse_group(parser);
	if (c == '[')
		return parse_class(parser);
	if (c == '.')
		ranges_add_others(parser, &ranges, line_ends, 3);
	else if (parse_class_point(parser, &ranges, &point))
		ranges_add(parser, &ranges, point, point);
	return set_node(parser, &ranges);
}

/* {m}, {m,} or {m,n}; `parser->at` stands behind the brace. */
static bool parse_counts(struct parser *parser, uint32_t *ret_min, uint32_t *ret_max)
{
	char *end = (char *)parser->at;
	unsigned long min = 0, max;

	if (*parser->at >= '0' && *parser->at <= '9')
		min = strtoul(parser->at, &end, 10);
	max = min;
	if (end != parser->at && *end == ',') {
		parser->at = ++end;
		max = PATTERN_REPEAT_NONE;
		if (*end >= '0' && *end <= '9')
			max = strtoul(end, &end, 10);
	} else if (end == parser->at) {
		return fail(parser, "a brace is neither a count nor escaped");
	}
	if (*end != '}')
		return fail(parser, "a count is not closed");
	if (min > REPEAT_MAX || (max > REPEAT_MAX && max != PATTERN_REPEAT_NONE) || min > max)
		return fail(parser, "a count is too large or runs backwards");
	parser->at = end + 1;
	*ret_min = (uint32_t)min;
	*ret_max = (uint32_t)max;
	return true;
}

static const struct node *parse_repeat(struct parser *parser)
{
	const struct node *atom = parse_atom(parser);
	uint32_t min = 0, max = PATTERN_REPEAT_NONE;
	struct node *node;
	char c = *parser->at;

	if (!atom || c == '\0' || !strchr("*+?{", c))
		return atom;
	parser->at++;
	if (c == '+')
		min = 1;
	else if (c == '?')
		max = 1;
	else if (c == '{' && !parse_counts(parser, &min, &max))
		return NULL;
	if (atom->kind == NODE_START || atom->kind == NODE_END)
		return fail(parser, "an anchor cannot be repeated");
	node = arena_zalloc(parser->arena, sizeof(*node));
	*node = (struct node){ .kind = NODE_REPEAT, .left = atom, .min = min, .max = max };
	return node;
}

static const struct node *parse_sequence(struct parser *parser)
{
	const struct node *left = node_new(parser, NODE_EMPTY, NULL, NULL);

	while (*parser->at != '\0' && *parser->at != '|' && *parser->at != ')' && !parser->error) {
		const struct node *right = parse_repeat(parser);

		left = left->kind == NODE_EMPTY ? right
						: node_new(parser, NODE_CONCAT, left, right);
	}
	return left;
}

static const struct node *parse_either(struct parser *parser)
{
	const struct node *left = parse_sequence(parser);

	while (*parser->at == '|' && !parser->error) {
		parser->at++;
		left = node_new(parser, NODE_EITHER, left, parse_sequence(parser));
	}
	return left;
}

uint32_t pattern_read_point(const char **at, const char *end)
{
	const unsigned char *bytes = (const unsigned char *)*at;
	size_t left = (size_t)(end - *at);
	size_t more = bytes[0] >= 0xF0 ? 3 : bytes[0] >= 0xE0 ? 2 : bytes[0] >= 0xC0 ? 1 : 0;
	uint32_t point = bytes[0];

	if (more == 0 || more >= left) {
		*at += 1;
		return point;
	}
	point = bytes[0] & (0x3Fu >> more);
	for (size_t i = 1; i <= more; i++)
		point = point << 6 | (bytes[i] & 0x3Fu);
	*at += 1 + more;
	return point;
}

const struct node *pattern_parse(struct arena *arena, const char *source, const char **reterr)
{
	struct parser parser = { .arena = arena, .at = source };
	const struct node *tree;

	if (strlen(source) > SOURCE_MAX) {
		*reterr = "it is too long";
		return NULL;
	}
	tree = parse_either(&parser);
	if (!parser.error && *parser.at != '\0')
		parser.error = "a group is closed that was not opened";
	*reterr = parser.error;
	return parser.error ? NULL : tree;
}

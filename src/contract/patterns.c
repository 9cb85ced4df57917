/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions by Thompson's construction: the tree becomes a program of at most PROGRAM_MAX
 * instructions, and the program runs all its threads in step over the text. There is no
 * backtracking, so no text can make it slow; {m,n} is paid for once, by copies, when it is
 * compiled. Only whether it matches is asked, so groups capture nothing.
 */
#include "contract/patterns.h"

#include <stdint.h>
#include <string.h>

#include "contract/patterns_tree.h"

#define PROGRAM_MAX 1024
#define VISITS_MAX  (8 * PROGRAM_MAX) /* an empty group repeated emits nothing, but takes time */

enum opcode { OP_SET, OP_SPLIT, OP_JUMP, OP_START, OP_END, OP_MATCH };

struct instruction {
	enum opcode opcode;
	uint16_t x, y; /* where SPLIT and JUMP lead */
	struct set set;
};

struct pattern {
	const struct instruction *program;
	size_t count;
	bool is_anchored; /* no match begins behind the start */
};

struct emitter {
	struct instruction program[PROGRAM_MAX];
	size_t count, visits;
	bool is_full;
};

/* Threads waiting at an OP_SET, each program position at most once. */
struct threads {
	uint16_t positions[PROGRAM_MAX];
	size_t count;
	bool has_matched;
};

/* One place in the text, while threads are moved there. */
struct place {
	const struct pattern *pattern;
	bool is_start, is_end;
	uint64_t seen[PROGRAM_MAX / 64];
};

static size_t emit_one(struct emitter *emitter, enum opcode opcode, struct set set)
{
	if (emitter->count == PROGRAM_MAX) {
		emitter->is_full = true;
		return 0;
	}
	emitter->program[emitter->count] = (struct instruction){ .opcode = opcode, .set = set };
	return emitter->count++;
}

static size_t emit_split(struct emitter *emitter)
{
	size_t at = emit_one(emitter, OP_SPLIT, (struct set){ 0 });

	emitter->program[at].x = (uint16_t)(at + 1);
	return at;
}

static void emit(struct emitter *emitter, const struct node *node);

static void emit_either(struct emitter *emitter, const struct node *node)
{
	size_t split = emit_split(emitter), jump;

	emit(emitter, node->left);
	jump = emit_one(emitter, OP_JUMP, (struct set){ 0 });
	emitter->program[split].y = (uint16_t)emitter->count;
	emit(emitter, node->right);
	emitter->program[jump].x = (uint16_t)emitter->count;
}

static void emit_loop(struct emitter *emitter, const struct node *body)
{
	size_t split = emit_split(emitter), jump;

	emit(emitter, body);
	jump = emit_one(emitter, OP_JUMP, (struct set){ 0 });
	emitter->program[jump].x = (uint16_t)split;
	emitter->program[split].y = (uint16_t)emitter->count;
}

/* The optional copies share one exit: until it is known, the splits are chained through `y`. */
static void emit_repeat(struct emitter *emitter, const struct node *node)
{
	size_t chain = PROGRAM_MAX;

	for (uint32_t i = 0; i < node->min && !emitter->is_full; i++)
		emit(emitter, node->left);
	if (node->max == PATTERN_REPEAT_NONE) {
		emit_loop(emitter, node->left);
		return;
	}
	for (uint32_t i = node->min; i < node->max && !emitter->is_full; i++) {
		size_t split = emit_split(emitter);

		emitter->program[split].y = (uint16_t)chain;
		chain = split;
		emit(emitter, node->left);
	}
	while (chain != PROGRAM_MAX && !emitter->is_full) {
		size_t next = emitter->program[chain].y;

		emitter->program[chain].y = (uint16_t)emitter->count;
		chain = next;
	}
}

static void emit(struct emitter *emitter, const struct node *node)
{
	if (++emitter->visits > VISITS_MAX)
		emitter->is_full = true;
	if (emitter->is_full)
		return;
	switch (node->kind) {
	case NODE_EMPTY: break;
	case NODE_SET: emit_one(emitter, OP_SET, node->set); break;
	case NODE_START: emit_one(emitter, OP_START, node->set); break;
	case NODE_END: emit_one(emitter, OP_END, node->set); break;
	case NODE_EITHER: emit_either(emitter, node); break;
	case NODE_REPEAT: emit_repeat(emitter, node); break;
	case NODE_CONCAT:
		emit(emitter, node->left);
		emit(emitter, node->right);
		break;
	}
}

static bool begins_anchored(const struct node *node)
{
	if (node->kind == NODE_CONCAT)
		return begins_anchored(node->left);
	if (node->kind == NODE_EITHER)
		return begins_anchored(node->left) && begins_anchored(node->right);
	return node->kind == NODE_START;
}

static bool set_has(const struct set *set, uint32_t point)
{
	for (size_t i = 0; i < set->count; i++)
		if (point >= set->ranges[i].low && point <= set->ranges[i].high)
			return true;
	return false;
}

/* Remembers `position`; false when it was there already. */
static bool mark(struct place *place, uint16_t position)
{
	uint64_t bit = UINT64_C(1) << (position % 64);
	bool is_new = !(place->seen[position / 64] & bit);

	place->seen[position / 64] |= bit;
	return is_new;
}

/* Follows everything that reads no text from `start` on. */
static void spawn(struct place *place, struct threads *threads, uint16_t start)
{
	uint16_t stack[PROGRAM_MAX];
	size_t depth = 0;

	if (mark(place, start))
		stack[depth++] = start;
	while (depth > 0) {
		uint16_t position = stack[--depth];
		const struct instruction *now = &place->pattern->program[position];
		uint16_t next = (uint16_t)(position + 1);

		if (now->opcode == OP_SET)
			threads->positions[threads->count++] = position;
		else if (now->opcode == OP_MATCH)
			threads->has_matched = true;
		if (now->opcode == OP_SPLIT && mark(place, now->y))
			stack[depth++] = now->y;
		if (now->opcode == OP_SPLIT || now->opcode == OP_JUMP)
			next = now->x;
		else if ((now->opcode != OP_START || !place->is_start) &&
			 (now->opcode != OP_END || !place->is_end))
			continue;
		if (mark(place, next))
			stack[depth++] = next;
	}
}

/* Moves every thread of `from` that can read `point` to the next place. */
static void advance(
	struct place *place, const struct threads *from, struct threads *to, uint32_t point)
{
	memset(place->seen, 0, sizeof(place->seen));
	place->is_start = false;
	to->count = 0;
	to->has_matched = false;
	for (size_t i = 0; i < from->count; i++)
		if (set_has(&place->pattern->program[from->positions[i]].set, point))
			spawn(place, to, (uint16_t)(from->positions[i] + 1));
	if (!place->pattern->is_anchored)
		spawn(place, to, 0);
}

const struct pattern *pattern_compile(struct arena *arena, const char *source, struct text *reterr)
{
	const char *error = NULL;
	const struct node *tree = pattern_parse(arena, source, &error);
	struct emitter emitter = { .count = 0 };
	struct instruction *program;
	struct pattern *pattern;

	if (tree) {
		emit(&emitter, tree);
		emit_one(&emitter, OP_MATCH, (struct set){ 0 });
	}
	if (!tree || emitter.is_full) {
		text_appendf(reterr, "pattern '%.100s' is not supported: %s", source,
			tree ? "its counts make it too large" : error);
		return NULL;
	}
	program = arena_alloc(arena, emitter.count * sizeof(*program));
	memcpy(program, emitter.program, emitter.count * sizeof(*program));
	pattern = arena_zalloc(arena, sizeof(*pattern));
	*pattern = (struct pattern){ program, emitter.count, begins_anchored(tree) };
	return pattern;
}

bool pattern_matches(const struct pattern *pattern, const char *bytes, size_t length)
{
	struct place place = { .pattern = pattern, .is_start = true, .is_end = length == 0 };
	struct threads one, two, *now = &one, *next = &two;
	const char *at = bytes, *end = bytes + length;

	now->count = 0;
	now->has_matched = false;
	spawn(&place, now, 0);
	while (!now->has_matched && at < end && (now->count > 0 || !pattern->is_anchored)) {
		uint32_t point = pattern_read_point(&at, end);
		struct threads *swap = now;

		place.is_end = at == end;
		advance(&place, now, next, point);
		now = next;
		next = swap;
	}
	return now->has_matched;
}

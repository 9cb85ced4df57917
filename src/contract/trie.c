/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router. Each node is one segment of the templates; its literal children are looked up first,
 * then its one parameter child, with a step back when the literal leads nowhere. The trie is as
 * deep as the longest template and a node has a handful of children, so comparing them in turn is
 * cheaper than hashing. Two templates that differ in the names of their parameters only share their
 * nodes; the names belong to the operations.
 */
#include "contract/trie.h"

#include <string.h>

struct trie {
	struct slice segment;
	struct trie *children; /* literals */
	struct trie *sibling;
	struct trie *parameter;
	const struct operation *operations[METHOD_COUNT];
	unsigned methods; /* bits 1u << enum http_method */
};

/* A match in the making. */
struct walk {
	struct slice ids[OPERATION_MAX_PATH_IDS];
	size_t id_count;
};

/* Cuts the first segment off "/a/b". False when it is empty or there is none. */
static bool take_segment(struct slice *rest, struct slice *ret_segment)
{
	const char *begin, *slash;

	if (rest->length < 2 || rest->bytes[0] != '/')
		return false;
	begin = rest->bytes + 1;
	slash = memchr(begin, '/', rest->length - 1);
	*ret_segment = (struct slice){ begin, slash ? (size_t)(slash - begin) : rest->length - 1 };
	rest->bytes += 1 + ret_segment->length;
	rest->length -= 1 + ret_segment->length;
	return ret_segment->length > 0;
}

static struct trie *find_literal(const struct trie *trie, struct slice segment)
{
	for (struct trie *child = trie->children; child; child = child->sibling)
		if (child->segment.length == segment.length &&
			memcmp(child->segment.bytes, segment.bytes, segment.length) == 0)
			return child;
	return NULL;
}

static struct trie *add_literal(struct trie *trie, struct arena *arena, struct slice segment)
{
	struct trie *child = find_literal(trie, segment);

	if (child)
		return child;
	child = trie_new(arena);
	child->segment = segment;
	child->sibling = trie->children;
	trie->children = child;
	return child;
}

static struct trie *add_parameter(struct trie *trie, struct arena *arena)
{
	if (!trie->parameter)
		trie->parameter = trie_new(arena);
	return trie->parameter;
}

static bool is_template(struct slice segment)
{
	return segment.length > 2 && segment.bytes[0] == '{' &&
	       segment.bytes[segment.length - 1] == '}';
}

static bool has_brace(struct slice segment)
{
	return memchr(segment.bytes, '{', segment.length) ||
	       memchr(segment.bytes, '}', segment.length);
}

static const struct trie *match(const struct trie *trie, struct slice rest, struct walk *walk)
{
	const struct trie *child, *found;
	struct slice segment;

	if (rest.length == 0)
		return trie->methods ? trie : NULL;
	if (!take_segment(&rest, &segment))
		return NULL;
	child = find_literal(trie, segment);
	found = child ? match(child, rest, walk) : NULL;
	if (found || !trie->parameter || walk->id_count == OPERATION_MAX_PATH_IDS)
		return found;
	walk->ids[walk->id_count++] = segment;
	found = match(trie->parameter, rest, walk);
	if (!found)
		walk->id_count--;
	return found;
}

struct trie *trie_new(struct arena *arena)
{
	return arena_zalloc(arena, sizeof(struct trie));
}

const char *trie_add(struct trie *trie, struct arena *arena, struct operation *operation)
{
	struct slice rest = slice_of(operation->path), segment;
	size_t ids = 0;

	do {
		if (!take_segment(&rest, &segment))
			return "a path begins with a slash and has no empty segment";
		if (is_template(segment)) {
			if (ids == OPERATION_MAX_PATH_IDS)
				return "a path has too many parameters";
			operation->path_ids[ids++] =
				arena_strndup(arena, segment.bytes + 1, segment.length - 2);
			trie = add_parameter(trie, arena);
		} else if (has_brace(segment)) {
			return "a segment is either a parameter or a literal";
		} else {
			trie = add_literal(trie, arena, segment);
		}
	} while (rest.length > 0);
	if (trie->operations[operation->method])
		return "another template names the same paths";
	trie->operations[operation->method] = operation;
	trie->methods |= 1u << operation->method;
	return NULL;
}

void trie_match(const struct trie *trie, enum http_method method, struct slice path,
	struct route *ret_route)
{
	struct walk walk = { .id_count = 0 };
	const struct trie *found = path.length > 0 ? match(trie, path, &walk) : NULL;

	*ret_route = (struct route){ 0 };
	if (!found)
		return;
	if (method == METHOD_HEAD)
		method = METHOD_GET;
	ret_route->allowed_methods = found->methods;
	ret_route->operation = method < METHOD_COUNT ? found->operations[method] : NULL;
	memcpy(ret_route->path_ids, walk.ids, walk.id_count * sizeof(walk.ids[0]));
}

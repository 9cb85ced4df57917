/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements have names. Those of sql/statements are embedded in the binary, cut at their `--
 * name:` lines once and found by a hash; a file that is not in this form is a defect of the build
 * and stops the process. Those the list engine composes are interned by their text: buckets are
 * read without a lock and only ever grow at their heads.
 */
#include "db/internal.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LENGTH 60
#define NAME_MARK       "-- name:"
#define INTERN_BUCKETS  1024 /* a power of two */

/* ---- parameter types ---- */

static const struct {
	char letter;
	Oid oid;
} types_table[] = {
	{ 'u', 2950 },
	{ 't', 25 },
	{ 'j', 3802 },
	{ 'i', 20 },
	{ 'b', 16 },
	{ 'z', 1184 },
	{ 'd', 1082 },
	{ 'T', 1009 },
	/* only read: what a column may also be */
	{ 'i', 21 },
	{ 'i', 23 },
	{ 't', 1043 },
	{ 'j', 114 },
};

#define UUID_ARRAY 2951 /* only sent: as a column it has no letter */

static Oid letter_to_oid(char letter)
{
	if (letter == 'U')
		return UUID_ARRAY;
	for (size_t i = 0; i < sizeof(types_table) / sizeof(types_table[0]); i++) {
		if (types_table[i].letter == letter)
			return types_table[i].oid;
	}
	return 0;
}

int types_to_oids(const char *types, Oid oids[static DB_MAX_PARAMS])
{
	int count = 0;
	for (; types[count] && count < DB_MAX_PARAMS; count++) {
		oids[count] = letter_to_oid(types[count]);
		if (!oids[count])
			return -1;
	}
	return types[count] ? -1 : count;
}

char oid_to_type(Oid oid)
{
	for (size_t i = 0; i < sizeof(types_table) / sizeof(types_table[0]); i++) {
		if (types_table[i].oid == oid)
			return types_table[i].letter;
	}
	return 'x';
}

/* FNV-1a; names and texts are ours, nobody can choose them to collide. */
uint64_t name_hash(const char *name)
{
	uint64_t hash = 14695981039346656037U;
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 1099511628211U;
	return hash ^ hash >> 32;
}

/* ---- files of named statements ---- */

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static struct slice trim(const char *begin, const char *end)
{
	while (begin < end && is_space(*begin))
		begin++;
	while (end > begin && is_space(end[-1]))
		end--;
	return (struct slice){ begin, (size_t)(end - begin) };
}

static bool name_is_valid(struct slice name)
{
	for (size_t i = 0; i < name.length; i++) {
		char c = name.bytes[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return name.length > 0 && name.length <= NAME_MAX_LENGTH;
}

/* The next line that begins with the mark, or `end`. */
static const char *find_mark(const char *from, const char *end)
{
	for (const char *line = from; line < end;) {
		size_t left = (size_t)(end - line);
		if (left >= strlen(NAME_MARK) && memcmp(line, NAME_MARK, strlen(NAME_MARK)) == 0)
			return line;
		const char *newline = memchr(line, '\n', left);
		line = newline ? newline + 1 : end;
	}
	return end;
}

static const char *end_of_line(const char *from, const char *end)
{
	const char *newline = memchr(from, '\n', (size_t)(end - from));
	return newline ? newline : end;
}

/* True when every line is empty or a comment. */
static bool is_only_comments(const char *from, const char *end)
{
	while (from < end) {
		const char *line_end = end_of_line(from, end);
		struct slice line = trim(from, line_end);
		if (line.length > 0 && (line.length < 2 || memcmp(line.bytes, "--", 2) != 0))
			return false;
		from = line_end < end ? line_end + 1 : end;
	}
	return true;
}

static char *copy(struct slice slice)
{
	char *text = strndup(slice.bytes, slice.length);
	if (!text)
		abort();
	return text;
}

static void append(struct statement_list *list, char *name, char *sql)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 64;
		list->items = reallocarray(list->items, list->capacity, sizeof(list->items[0]));
		if (!list->items)
			abort();
	}
	list->items[list->count++] = (struct statement){ name, sql, STATEMENT_TYPES };
}

static bool has_name(const struct statement_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool parse_one(struct statement_list *list, const char *file, const char *mark,
	const char *end, struct text *reterr)
{
	const char *line_end = end_of_line(mark, end);
	struct slice name = trim(mark + strlen(NAME_MARK), line_end);
	const char *why = NULL;
	if (!name_is_valid(name))
		why = "is not lower snake case of at most 60 letters";
	else if (is_only_comments(line_end, end))
		why = "has no text";
	char *owned = copy(name);
	if (!why && has_name(list, owned))
		why = "is there twice";
	if (why) {
		text_appendf(reterr, "%s: the name '%s' %s", file, owned, why);
		free(owned);
		return false;
	}
	append(list, owned, copy(trim(line_end, end)));
	return true;
}

bool statements_parse(
	struct statement_list *list, const struct embedded_file *file, struct text *reterr)
{
	const char *mark = find_mark(file->begin, file->end);
	if (!is_only_comments(file->begin, mark)) {
		text_appendf(reterr, "%s: text before the first '%s'", file->name, NAME_MARK);
		return false;
	}
	while (mark < file->end) {
		const char *next = find_mark(end_of_line(mark, file->end), file->end);
		if (!parse_one(list, file->name, mark, next, reterr))
			return false;
		mark = next;
	}
	return true;
}

void statement_list_release(struct statement_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free((char *)list->items[i].name);
		free((char *)list->items[i].sql);
	}
	free(list->items);
	*list = (struct statement_list){ 0 };
}

/* ---- the embedded ones, loaded once ---- */

static pthread_once_t loaded = PTHREAD_ONCE_INIT;
static struct statement_list embedded;
static uint32_t *embedded_slots; /* index + 1 by hash of the name; 0 = free */
static size_t embedded_mask;

static void index_embedded(void)
{
	embedded_mask = 64;
	while (embedded_mask < embedded.count * 2)
		embedded_mask *= 2;
	embedded_slots = calloc(embedded_mask, sizeof(embedded_slots[0]));
	if (!embedded_slots)
		abort();
	embedded_mask--;
	for (size_t i = 0; i < embedded.count; i++) {
		size_t slot = name_hash(embedded.items[i].name) & embedded_mask;
		while (embedded_slots[slot])
			slot = (slot + 1) & embedded_mask;
		embedded_slots[slot] = (uint32_t)i + 1;
	}
}

static void load_embedded(void)
{
	struct text error = TEXT_INIT;
	for (const struct embedded_file *file = embedded_statements; file->name; file++) {
		if (!statements_parse(&embedded, file, &error)) {
			fprintf(stderr, "partnerd: %s\n", error.bytes);
			abort();
		}
	}
	index_embedded();
}

const struct statement *statement_find(const char *name)
{
	pthread_once(&loaded, load_embedded);
	size_t slot = name_hash(name) & embedded_mask;
	for (; embedded_slots[slot]; slot = (slot + 1) & embedded_mask) {
		const struct statement *statement = &embedded.items[embedded_slots[slot] - 1];
		if (strcmp(statement->name, name) == 0)
			return statement;
	}
	return NULL;
}

size_t statement_count(void)
{
	pthread_once(&loaded, load_embedded);
	return embedded.count;
}

const struct statement *statement_at(size_t index)
{
	pthread_once(&loaded, load_embedded);
	return index < embedded.count ? &embedded.items[index] : NULL;
}

/* ---- composed ones ---- */

struct interned {
	struct statement statement;
	struct interned *next;
	uint64_t hash;
};

static _Atomic(struct interned *) buckets[INTERN_BUCKETS];
static pthread_mutex_t intern_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t intern_count; /* under the lock */

static const struct statement *find_interned(
	const struct interned *from, uint64_t hash, const char *sql, const char *types)
{
	for (; from; from = from->next) {
		if (from->hash == hash && strcmp(from->statement.sql, sql) == 0 &&
			strcmp(from->statement.types, types) == 0)
			return &from->statement;
	}
	return NULL;
}

/* The hash makes the name unique, and the same in every process: it can be looked for in the
 * server's views. */
static char *composed_name(const char *prefix, uint64_t hash)
{
	char *name = NULL;
	if (asprintf(&name, "%.40s_%016llx", prefix, (unsigned long long)hash) < 0)
		abort();
	return name;
}

static struct interned *make_interned(
	const char *prefix, uint64_t hash, const char *sql, const char *types)
{
	struct interned *made = calloc(1, sizeof(*made));
	if (!made)
		abort();
	made->hash = hash;
	made->statement.name = composed_name(prefix, hash);
	made->statement.sql = copy(slice_of(sql));
	made->statement.types = copy(slice_of(types));
	return made;
}

const struct statement *statement_intern(const char *prefix, const char *sql, const char *types)
{
	uint64_t hash = name_hash(sql) ^ name_hash(types) * 31;
	_Atomic(struct interned *) *bucket = &buckets[hash & (INTERN_BUCKETS - 1)];
	const struct statement *found =
		find_interned(atomic_load_explicit(bucket, memory_order_acquire), hash, sql, types);
	if (found)
		return found;
	pthread_mutex_lock(&intern_lock);
	struct interned *head = atomic_load_explicit(bucket, memory_order_relaxed);
	found = find_interned(head, hash, sql, types);
	if (!found && intern_count < STATEMENT_MAX_INTERNED) {
		intern_count++;
		struct interned *made = make_interned(prefix, hash, sql, types);
		made->next = head;
		atomic_store_explicit(bucket, made, memory_order_release);
		found = &made->statement;
	}
	pthread_mutex_unlock(&intern_lock);
	return found;
}

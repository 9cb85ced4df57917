/* SPDX-License-Identifier: Apache-2.0 */
/* Files in the binary: tables made by embed_files() in CMakeLists.txt, each ended by a row whose
 * name is NULL. */
#ifndef PARTNERD_BASE_EMBED_H
#define PARTNERD_BASE_EMBED_H

struct embedded_file {
	const char *name;  /* path in the source tree: "sql/statements/deals.sql" */
	const char *begin; /* a NUL stands at end, so the text is also a C string */
	const char *end;
};

extern const struct embedded_file embedded_migrations[];
extern const struct embedded_file embedded_shapes[];
extern const struct embedded_file embedded_functions[];
extern const struct embedded_file embedded_statements[];
extern const struct embedded_file embedded_seeds[];
extern const struct embedded_file embedded_contract[];

#endif

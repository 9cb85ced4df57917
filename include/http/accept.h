/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller takes (RFC 9110 §12.5.1), for operations that have more than one form of answer.
 */
#ifndef PARTNERD_HTTP_ACCEPT_H
#define PARTNERD_HTTP_ACCEPT_H

/* How much `accept` (NULL: anything goes) wants type/subtype, in thousandths: the most specific
 * range decides, 0 forbids. */
int accept_quality(const char *accept, const char *type, const char *subtype);

#endif

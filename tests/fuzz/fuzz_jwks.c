/* SPDX-License-Identifier: Apache-2.0 */
/* What an identity provider publishes: metadata and key sets of any shape. Nothing may crash or
 * leak. */
#include <stdint.h>
#include <stdlib.h>

#include "http/key_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char uri[SOURCE_URL_BYTES];

	if (size > SOURCE_DOCUMENT_MAX)
		return 0;
	metadata_read(text, size, "https://login.example.test", uri);
	foreign_keys_release(jwks_read(text, size));
	return 0;
}

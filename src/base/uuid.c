/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Milliseconds and counter are one number, ms * 4096 + counter, that only grows: an id takes the
 * present millisecond or the last number plus one, whichever is larger. A full counter thus borrows
 * from the next millisecond and a clock that is set back is waited out, without a lock. The 62
 * random bits come from the kernel, many ids at a time.
 */
#include "base/uuid.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/text.h"

/* getrandom() never gives less than what is asked for up to 256 bytes. */
#define POOL_BYTES 256
#define TAIL_BYTES 8

static _Atomic uint64_t last_tick;

static uint64_t next_tick(void)
{
	uint64_t now = (uint64_t)(clock_now_us() / 1000) << 12;
	uint64_t last = atomic_load_explicit(&last_tick, memory_order_relaxed);
	uint64_t next;

	do {
		next = now > last ? now : last + 1;
	} while (!atomic_compare_exchange_weak_explicit(
		&last_tick, &last, next, memory_order_relaxed, memory_order_relaxed));
	return next;
}

static void random_tail(unsigned char out[static TAIL_BYTES])
{
	static _Thread_local unsigned char pool[POOL_BYTES];
	static _Thread_local size_t left;

	if (left == 0) {
		if (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool))
			abort();
		left = sizeof(pool);
	}
	left -= TAIL_BYTES;
	memcpy(out, pool + left, TAIL_BYTES);
}

/* The text form, from 16 bytes. */
static void uuid_format(const unsigned char bytes[static 16], char out[static UUID_TEXT_BYTES])
{
	static const unsigned char groups[] = { 4, 2, 2, 2, 6 };

	for (size_t i = 0; i < sizeof(groups); i++) {
		hex_encode(bytes, groups[i], out);
		bytes += groups[i];
		out += groups[i] * 2;
		*out++ = '-';
	}
	out[-1] = '\0';
}

static bool is_hex_digit(char digit)
{
	return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f') ||
	       (digit >= 'A' && digit <= 'F');
}

void uuid_v7(char out[static UUID_TEXT_BYTES])
{
	unsigned char bytes[16];
	uint64_t tick = next_tick();
	uint64_t time_ms = tick >> 12;

	for (int i = 0; i < 6; i++)
		bytes[i] = (unsigned char)(time_ms >> (40 - 8 * i));
	bytes[6] = (unsigned char)(0x70 | (tick >> 8 & 0x0f));
	bytes[7] = (unsigned char)tick;
	random_tail(bytes + 8);
	bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
	uuid_format(bytes, out);
}

bool uuid_is_valid(const char *text, size_t length)
{
	if (length != UUID_TEXT_BYTES - 1)
		return false;
	for (size_t i = 0; i < length; i++) {
		bool is_hyphen_place = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_hyphen_place ? text[i] != '-' : !is_hex_digit(text[i]))
			return false;
	}
	return true;
}

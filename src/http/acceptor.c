/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread. The library picks its worker by the number of the descriptor. When there are as many
 * connections as may be, or the process has run out of descriptors, the kernel's queue keeps who
 * comes meanwhile.
 */
#include "http/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define FULL_PAUSE_MS 20

struct acceptor {
	int socket;
	int stop; /* eventfd: readable when the thread shall end */
	struct MHD_Daemon *daemon;
	int most;
	_Atomic int open;
	pthread_t thread;
};

static bool is_exhausted(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

void acceptor_closed(struct acceptor *acceptor)
{
	acceptor->open--;
}

static void hand_over(
	struct acceptor *acceptor, int fd, const struct sockaddr_storage *peer, socklen_t length)
{
	acceptor->open++;
	if (MHD_add_connection(acceptor->daemon, fd, (const struct sockaddr *)peer, length) !=
		MHD_YES)
		acceptor->open--;
}

/* Accepts what waits. Returns false when no more can be taken for now. */
static bool accept_waiting(struct acceptor *acceptor)
{
	while (acceptor->open < acceptor->most) {
		struct sockaddr_storage peer;
		socklen_t length = sizeof peer;
		int fd = accept4(acceptor->socket, (struct sockaddr *)&peer, &length,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			hand_over(acceptor, fd, &peer, length);
		else if (errno != EINTR && errno != ECONNABORTED)
			return !is_exhausted(errno);
	}
	return false;
}

static void *run(void *context)
{
	struct acceptor *acceptor = context;
	struct pollfd waits[] = { { .fd = acceptor->stop, .events = POLLIN },
		{ .fd = acceptor->socket, .events = POLLIN } };
	for (;;) {
		if (poll(waits, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (waits[0].revents != 0)
			return NULL;
		if (waits[1].revents != 0 && !accept_waiting(acceptor))
			(void)poll(waits, 1, FULL_PAUSE_MS);
	}
}

bool acceptor_start(int socket, struct MHD_Daemon *daemon, int most, struct acceptor **ret_acceptor)
{
	struct acceptor *acceptor = calloc(1, sizeof *acceptor);
	if (acceptor == NULL)
		abort();
	acceptor->socket = socket;
	acceptor->daemon = daemon;
	acceptor->most = most;
	acceptor->stop = eventfd(0, EFD_CLOEXEC);
	*ret_acceptor = acceptor; /* the first connection may be closed before this returns */
	if (acceptor->stop >= 0 && pthread_create(&acceptor->thread, NULL, run, acceptor) == 0)
		return true;
	*ret_acceptor = NULL;
	if (acceptor->stop >= 0)
		close(acceptor->stop);
	close(socket);
	free(acceptor);
	return false;
}

void acceptor_quiesce(struct acceptor *acceptor)
{
	const uint64_t one = 1;
	if (acceptor->socket < 0)
		return;
	while (write(acceptor->stop, &one, sizeof one) < 0 && errno == EINTR)
		continue;
	pthread_join(acceptor->thread, NULL);
	close(acceptor->socket); /* what waits in its queue is refused at once */
	acceptor->socket = -1;
}

struct acceptor *acceptor_free(struct acceptor *acceptor)
{
	if (acceptor == NULL)
		return NULL;
	acceptor_quiesce(acceptor);
	close(acceptor->stop);
	free(acceptor);
	return NULL;
}

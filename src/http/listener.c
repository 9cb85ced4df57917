/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ulfius on our terms (libraries.md §1.1): an epoll pool instead of a thread a connection, our own
 * socket and acceptor (acceptor.h), and four hooks. The hook on the request line is the
 * only place where the library shows the raw target together with the connection. It hides the
 * query from the library's own parser, which decodes leniently, keeps every pair in the
 * connection's memory and would join them with path parameters; ulfius has copied the whole target
 * by then. The hook before ulfius' dispatcher takes slow requests off the worker (lanes.h).
 */
#include "http/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yder.h>

#include "base/clock.h"
#include "base/log.h"

#define CONNECTION_MEMORY (20 * 1024)       /* cleared after each request, hence resident */
#define STACK_BYTES       (2 * 1024 * 1024) /* jansson recurses */
#define OPTION_COUNT      16

/* ---- logs of the libraries ---- */

/* At most one line a second: anybody can make the library complain. */
static bool may_log(void)
{
	static _Atomic int64_t next_us;
	int64_t now_us = clock_monotonic_us();
	int64_t due_us = atomic_load(&next_us);

	return now_us >= due_us &&
	       atomic_compare_exchange_strong(&next_us, &due_us, now_us + CLOCK_SECOND_US);
}

__attribute__((format(printf, 2, 0))) static void log_of_microhttpd(
	void *context, const char *format, va_list args)
{
	char text[512];

	(void)context;
	if (!may_log())
		return;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\r\n")] = '\0';
	log_event(LOG_WARN, "microhttpd", "%s", text);
}

static void log_of_ulfius(void *context, const char *application, const time_t date,
	const unsigned long level, const char *message)
{
	(void)context;
	(void)application;
	(void)date;
	(void)level;
	if (may_log())
		log_event(LOG_WARN, "ulfius", "%s", message);
}

static void route_library_logs(void)
{
	y_init_logs("partnerd", Y_LOG_MODE_CALLBACK, Y_LOG_LEVEL_ERROR, NULL, NULL);
	y_set_logs_callback(log_of_ulfius, NULL, NULL);
}

static pthread_once_t library_logs_once = PTHREAD_ONCE_INIT;

/* ---- hooks ---- */

/* A server has no use for the member `timeout` of a request, so it carries the connection. */
_Static_assert(sizeof(((struct _u_request *)NULL)->timeout) == sizeof(struct MHD_Connection *),
	"no room for a pointer");

static void *on_request_line(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct listener *listener = context;
	struct connection_info_struct *info = ulfius_uri_logger(NULL, uri);
	struct place *place = listener_place(connection);
	char *query = uri ? strchr(uri, '?') : NULL;

	if (place)
		place_reading(listener->options.watchdog, place);
	if (!info)
		return NULL;
	memcpy(&info->request->timeout, &connection, sizeof(connection));
	if (query)
		query[1] = '\0';
	return info;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **info,
	enum MHD_RequestTerminationCode code)
{
	struct listener *listener = context;
	struct place *place = listener_place(connection);
	struct connection_info_struct *call = *info;

	if (call && listener->options.uploads)
		uploads_forget(listener->options.uploads, call->request);
	mhd_request_completed(NULL, connection, info, code);
	if (listener->options.lanes)
		lanes_forget(listener->options.lanes, connection);
	if (place)
		place_idle(listener->options.watchdog, place);
}

static int descriptor_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	struct listener *listener = context;
	int fd = descriptor_of(connection);

	if (code == MHD_CONNECTION_NOTIFY_CLOSED)
		acceptor_closed(listener->acceptor, fd);
	if (!listener->options.watchdog)
		return;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*socket_context)
			watchdog_leave(listener->options.watchdog, *socket_context);
		*socket_context = NULL;
		return;
	}
	*socket_context = watchdog_enter(listener->options.watchdog, fd);
}

/* The worker's answer was made by a lane: set while ulfius' dispatcher runs. */
static _Thread_local struct MHD_Connection *answered;

static bool is_slow(const struct listener *listener, const struct connection_info_struct *info)
{
	return listener->options.lanes &&
	       listener->options.is_slow(info->request, listener->options.context);
}

static enum MHD_Result take_piece(struct listener *listener, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *data, size_t *size,
	void **info)
{
	const struct connection_info_struct *call = *info;

	answered = NULL;
	if (call && !call->callback_first_iteration && listener->options.uploads &&
		uploads_take(listener->options.uploads, call->request, data, *size)) {
		*size = 0;
		return MHD_YES;
	}
	if (call && !call->callback_first_iteration && *size == 0 && is_slow(listener, call)) {
		enum lanes_state state =
			lanes_take(listener->options.lanes, connection, call->request);

		if (state == LANES_TAKEN)
			return MHD_YES;
		if (state == LANES_READY)
			answered = connection;
	}
	return listener->dispatch(
		&listener->instance, connection, url, method, version, data, size, info);
}

/* Called first when the head is there, then for each piece of the body, last with none. */
static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **info)
{
	struct listener *listener = context;
	int fd = descriptor_of(connection);

	acceptor_busy(listener->acceptor, fd, true);
	enum MHD_Result result =
		take_piece(listener, connection, url, method, version, data, size, info);
	acceptor_busy(listener->acceptor, fd, false);
	return result;
}

/* ulfius' default endpoint. */
static int on_request(const struct _u_request *call, struct _u_response *out, void *context)
{
	struct listener *listener = context;

	if (!answered)
		return listener->options.entry(call, out, listener->options.context);
	lanes_collect(listener->options.lanes, answered, out);
	return U_CALLBACK_COMPLETE;
}

/*
 * ulfius hands its dispatcher to libmicrohttpd and to nobody else, so the call that does is taken
 * here: the linker prefers the executable's function to the library's. MHD_start_daemon_va does the
 * work of both.
 */
struct MHD_Daemon *MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
	void *accept_context, MHD_AccessHandlerCallback handler, void *context, ...)
{
	struct listener *listener = context;
	struct MHD_Daemon *daemon;
	va_list options;

	listener->dispatch = handler;
	va_start(options, context);
	daemon = MHD_start_daemon_va(
		flags, port, accept, accept_context, on_access, context, options);
	va_end(options);
	return daemon;
}

struct MHD_Connection *listener_connection(const struct _u_request *request)
{
	struct MHD_Connection *connection;

	memcpy(&connection, &request->timeout, sizeof(connection));
	return connection;
}

struct place *listener_place(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

void listener_peer(struct MHD_Connection *connection, char out[static LISTENER_ADDRESS_BYTES])
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *peer = info ? info->client_addr : NULL;

	out[0] = '\0';
	if (peer && peer->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, out,
			LISTENER_ADDRESS_BYTES);
	if (peer && peer->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr,
			out, LISTENER_ADDRESS_BYTES);
	if (strncmp(out, "::ffff:", 7) == 0 && strchr(out, '.'))
		memmove(out, out + 7, strlen(out + 7) + 1);
}

/* ---- the socket ---- */

static int listen_at(const struct addrinfo *place)
{
	int fd = socket(place->ai_family, place->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;
	int off = 0;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (place->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, place->ai_addr, place->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	close(fd);
	return -1;
}

static int open_socket(const char *address, int64_t port, struct text *reterr)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found = NULL;
	char service[16];
	int fd;

	snprintf(service, sizeof(service), "%d", (int)port);
	if (getaddrinfo(address, service, &hints, &found) != 0) {
		text_appendf(reterr, "'%s' is not an address to listen on", address);
		return -1;
	}
	errno = 0;
	fd = listen_at(found);
	if (fd < 0)
		text_appendf(reterr, "cannot listen on '%s' port %d: %m", address, (int)port);
	freeaddrinfo(found);
	return fd;
}

static int port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} own;
	socklen_t length = sizeof(own);

	memset(&own, 0, sizeof(own));
	if (getsockname(fd, &own.any, &length) != 0)
		return 0;
	return ntohs(own.any.sa_family == AF_INET6 ? own.v6.sin6_port : own.v4.sin_port);
}

/* ---- life ---- */

static void init_instance(struct listener *listener, const struct listener_options *options)
{
	struct _u_instance *instance = &listener->instance;

	ulfius_init_instance(instance, 1, NULL, NULL); /* the port comes with the socket */
	instance->max_post_body_size = options->body_limit + 1;
	instance->allowed_post_processor = U_POST_PROCESS_NONE;
	instance->check_utf8 = 0;
	ulfius_set_default_endpoint(instance, on_request, listener);
}

static bool start_instance(
	struct listener *listener, const struct listener_options *options, unsigned workers)
{
	unsigned room = options->max_connections * workers; /* the acceptor keeps the limit */
	struct MHD_OptionItem items[OPTION_COUNT] = {
		{ MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_of_microhttpd, NULL },
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, listener },
		{ MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_request_line, listener },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, listener },
		{ MHD_OPTION_CONNECTION_LIMIT, (intptr_t)room, NULL },
		{ MHD_OPTION_PER_IP_CONNECTION_LIMIT,
			(intptr_t)options->max_connections_per_address, NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)options->inactivity_s, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL },
		{ MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)workers, NULL },
		{ MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};

	return ulfius_start_framework_with_mhd_options(&listener->instance,
		       MHD_USE_ERROR_LOG | MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
			       MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME,
		       items) == U_OK &&
	       listener->dispatch;
}

struct listener *listener_start(const struct listener_options *options, struct text *reterr)
{
	int fd = open_socket(options->address, options->port, reterr);
	unsigned workers = options->workers > 2 ? options->workers : 2;
	struct listener *listener;

	if (fd < 0)
		return NULL;
	listener = calloc(1, sizeof(*listener));
	if (!listener)
		abort();
	listener->options = *options;
	listener->port = port_of(fd);
	pthread_once(&library_logs_once, route_library_logs);
	init_instance(listener, options);
	if (!start_instance(listener, options, workers))
		close(fd);
	else if (acceptor_start(fd, listener->instance.mhd_daemon, (int)workers,
			 (int)options->max_connections, &listener->acceptor))
		return listener;
	text_appendf(reterr, "cannot start the threads of port %d", listener->port);
	return listener_stop(listener);
}

void listener_quiesce(struct listener *listener)
{
	acceptor_quiesce(listener->acceptor);
}

struct listener *listener_stop(struct listener *listener)
{
	if (!listener)
		return NULL;
	if (listener->acceptor)
		listener_quiesce(listener);
	if (listener->options.lanes)
		lanes_close(listener->options.lanes);
	if (listener->instance.mhd_daemon)
		ulfius_stop_framework(&listener->instance);
	ulfius_clean_instance(&listener->instance);
	acceptor_free(listener->acceptor);
	free(listener);
	return NULL;
}

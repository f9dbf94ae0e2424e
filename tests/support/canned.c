#include "support/canned.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX     8192
#define CONNECTIONS_MAX 4096

struct route {
    char *path, *headers, *body;
    int status;
    unsigned hits;
};

struct connection {
    struct canned *canned;
    pthread_t thread;
    int fd;
};

struct canned {
    int fd;
    char url[64];
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    struct route routes[CANNED_ROUTES_MAX];
    size_t n_routes;
    char request[REQUEST_MAX];
    struct connection connections[CONNECTIONS_MAX];
    size_t n_connections;
};

static struct route *route_of(struct canned *canned, const char *path)
{
    for (size_t i = 0; i < canned->n_routes; i++)
        if (strcmp(canned->routes[i].path, path) == 0)
            return &canned->routes[i];
    assert(canned->n_routes < CANNED_ROUTES_MAX);
    struct route *route = &canned->routes[canned->n_routes++];
    *route = (struct route){
        .path = strdup(path), .headers = strdup(""), .body = strdup(CANNED_PAGE), .status = 404};
    return route;
}

/* True once the header and as much of a body as it announces have come. */
static bool is_whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *announced = strstr(request, "Content-Length: ");
    size_t body = 0;
    if (end && announced && announced < end)
        body = strtoul(announced + strlen("Content-Length: "), NULL, 10);
    return end && strlen(end + 4) >= body;
}

static bool read_request(int fd, char *request)
{
    size_t len = 0;
    request[0] = '\0';
    while (!is_whole(request)) {
        ssize_t n = recv(fd, request + len, REQUEST_MAX - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        request[len] = '\0';
    }
    return true;
}

static void send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

/* The answer as text; *status says whether there is one at all. */
static char *compose(struct canned *canned, const char *request, int *status, size_t *len)
{
    char line[REQUEST_MAX] = "";
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(request, "\r"), request);
    char *version = strstr(line, " HTTP/");
    if (version)
        *version = '\0';
    const char *path = strncmp(line, "GET ", 4) == 0 ? line + 4 : line;
    (void)pthread_mutex_lock(&canned->lock);
    (void)snprintf(canned->request, sizeof canned->request, "%s", request);
    struct route *route = route_of(canned, path);
    route->hits++;
    size_t room = strlen(route->body) + strlen(route->headers) + 256;
    char *answer = malloc(room);
    assert(answer);
    *status = route->status;
    *len = (size_t)snprintf(answer, room,
                            "HTTP/1.1 %d Canned\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n%s",
                            route->status, strlen(route->body), route->headers, route->body);
    (void)pthread_mutex_unlock(&canned->lock);
    return answer;
}

static void *serve(void *opaque)
{
    const struct connection *connection = opaque;
    char request[REQUEST_MAX];
    if (!read_request(connection->fd, request))
        return NULL;
    int status;
    size_t len;
    char *answer = compose(connection->canned, request, &status, &len);
    char byte;
    if (status == CANNED_NEVER)
        (void)recv(connection->fd, &byte, 1, 0); /* Until the client or canned_stop ends it. */
    else if (status != CANNED_CLOSE)
        send_all(connection->fd, answer, len);
    free(answer);
    (void)shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

static void *accept_all(void *opaque)
{
    struct canned *canned = opaque;
    int fd;
    while ((fd = accept(canned->fd, NULL, NULL)) >= 0) {
        assert(canned->n_connections < CONNECTIONS_MAX);
        struct connection *connection = &canned->connections[canned->n_connections];
        *connection = (struct connection){.canned = canned, .fd = fd};
        int failed = pthread_create(&connection->thread, NULL, serve, connection);
        assert(failed == 0);
        (void)failed;
        canned->n_connections++;
    }
    return NULL;
}

struct canned *canned_start(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    struct canned *canned = calloc(1, sizeof *canned);
    assert(canned);
    (void)pthread_mutex_init(&canned->lock, NULL);
    canned->fd = socket(AF_INET, SOCK_STREAM, 0);
    int failed = bind(canned->fd, (struct sockaddr *)&at, len) || listen(canned->fd, 64) ||
                 getsockname(canned->fd, (struct sockaddr *)&at, &len) ||
                 pthread_create(&canned->thread, NULL, accept_all, canned);
    assert(!failed);
    (void)failed;
    (void)snprintf(canned->url, sizeof canned->url, "http://127.0.0.1:%d", ntohs(at.sin_port));
    return canned;
}

void canned_stop(struct canned *canned)
{
    (void)shutdown(canned->fd, SHUT_RDWR);
    (void)pthread_join(canned->thread, NULL);
    (void)close(canned->fd);
    for (size_t i = 0; i < canned->n_connections; i++) {
        (void)shutdown(canned->connections[i].fd, SHUT_RDWR);
        (void)pthread_join(canned->connections[i].thread, NULL);
        (void)close(canned->connections[i].fd);
    }
    for (size_t i = 0; i < canned->n_routes; i++) {
        free(canned->routes[i].path);
        free(canned->routes[i].headers);
        free(canned->routes[i].body);
    }
    (void)pthread_mutex_destroy(&canned->lock);
    free(canned);
}

const char *canned_url(const struct canned *canned)
{
    return canned->url;
}

void canned_set(struct canned *canned, const char *path, int status, const char *body)
{
    canned_set_with(canned, path, status, "", body);
}

void canned_set_with(struct canned *canned, const char *path, int status, const char *headers,
                     const char *body)
{
    (void)pthread_mutex_lock(&canned->lock);
    struct route *route = route_of(canned, path);
    free(route->headers);
    free(route->body);
    route->headers = strdup(headers);
    route->body = strdup(body);
    route->status = status;
    (void)pthread_mutex_unlock(&canned->lock);
}

unsigned canned_hits(struct canned *canned, const char *path)
{
    (void)pthread_mutex_lock(&canned->lock);
    unsigned hits = route_of(canned, path)->hits;
    (void)pthread_mutex_unlock(&canned->lock);
    return hits;
}

const char *canned_request(struct canned *canned)
{
    return canned->request;
}

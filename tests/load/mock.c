/* The benchmark's mock upstream: answers Gemini's generateContent and streamGenerateContent, and nothing else.
 *
 *     mock PORT
 *
 * One thread on epoll with answers built beforehand, so that it is never what limits. A model's name chooses how
 * its stream comes: "-paced" an event each 20 ms, "-slow" two a second, others all at once. An event's text
 * ends in "@" and 16 digits, the monotonic clock's microseconds when it left: from them load.c knows its delay.
 */
#include "common.h"

enum { EVENTS = 50, EVENT_MAX = 1024, HEAD_MAX = 8192 };
enum kind { WHOLE, BURST, PACED, SLOW };
static const long PACE_US[] = {[PACED] = 20000, [SLOW] = 500000};

#define COUNTS                                                                                       \
    "\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":50,\"totalTokenCount\":58}," \
    "\"modelVersion\":\"gemini-3.5-flash\",\"responseId\":\"mock-response\"}"

/* A connection, found by its descriptor. */
static struct conn {
    int serial;       /* of the connections that had this descriptor */
    int head_bytes;   /* read of a head that is not complete */
    long body_left;   /* of the request whose head is read */
    enum kind kind;   /* of its answer */
    int is_in_body, events_sent;
    char head[HEAD_MAX];
} conns[MOST_FDS];

/* Streams of one pace all wait equally long, so they fall due in the order they began to wait. */
static struct line {
    struct { int fd, serial; long due_us; } waiting[MOST_FDS];
    unsigned first, end;
} lines[SLOW + 1];

static char whole[4096], stream_head[256], events[2][EVENT_MAX], *stamps[2];
static size_t whole_bytes, stream_head_bytes, event_bytes[2];
static int poller;

static void build_answers(void) {
    char text[1251], body[2048];
    memset(text, 'x', 1250);
    text[1250] = 0;
    int size = snprintf(body, sizeof body,
                        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%s\"}],\"role\":\"model\"},"
                        "\"finishReason\":\"STOP\",\"index\":0}]," COUNTS, text);
    whole_bytes = (size_t)snprintf(whole, sizeof whole,
                                   "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n"
                                   "Content-Length: %d\r\n\r\n%s", size, body);
    stream_head_bytes = (size_t)snprintf(stream_head, sizeof stream_head,
                                         "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                         "Transfer-Encoding: chunked\r\n\r\n");
    for (int is_last = 0; is_last < 2; is_last++) {
        size = snprintf(body, sizeof body,
                        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%.60s@0000000000000000\"}],"
                        "\"role\":\"model\"},%s\"index\":0}]," COUNTS "\r\n\r\n",
                        text, is_last ? "\"finishReason\":\"STOP\"," : "");
        event_bytes[is_last] = (size_t)snprintf(events[is_last], EVENT_MAX, "%x\r\n%s\r\n", (unsigned)size, body);
        stamps[is_last] = strchr(events[is_last], '@') + 1;
    }
}

static void drop(int fd) {
    conns[fd].serial++;
    close(fd);
}

/* All of it, or the connection is lost: its reader is megabytes behind, or gone. */
static int send_all(int fd, const char *data, size_t size) {
    for (int tries = 0; size; tries++) {
        ssize_t done = send(fd, data, size, MSG_NOSIGNAL);
        if (done < 0 && (errno == EINTR || (errno == EAGAIN && tries < 1000)))
            continue;
        if (done < 0) {
            drop(fd);
            return 0;
        }
        data += done;
        size -= (size_t)done;
    }
    return 1;
}

static size_t put_event(char *out, int number, long at_us) {
    int is_last = number == EVENTS - 1;
    char digits[24];
    snprintf(digits, sizeof digits, "%016ld", at_us);
    memcpy(stamps[is_last], digits, 16);
    memcpy(out, events[is_last], event_bytes[is_last]);
    return event_bytes[is_last];
}

static void wait_turn(int fd, long at_us) {
    struct line *line = &lines[conns[fd].kind];
    unsigned place = line->end++ % MOST_FDS;
    line->waiting[place].fd = fd;
    line->waiting[place].serial = conns[fd].serial;
    line->waiting[place].due_us = at_us + PACE_US[conns[fd].kind];
}

static void answer(int fd) {
    static char out[EVENTS * EVENT_MAX];
    struct conn *c = &conns[fd];
    if (c->kind == WHOLE) {
        send_all(fd, whole, whole_bytes);
        return;
    }
    long at_us = now_us();
    size_t size = stream_head_bytes;
    memcpy(out, stream_head, size);
    int begin_with = c->kind == BURST ? EVENTS : 1;
    for (c->events_sent = 0; c->events_sent < begin_with; c->events_sent++)
        size += put_event(out + size, c->events_sent, at_us);
    if (c->kind == BURST) {
        memcpy(out + size, "0\r\n\r\n", 5);
        size += 5;
    }
    if (send_all(fd, out, size) && c->kind != BURST)
        wait_turn(fd, at_us);
}

/* Send the next event of each stream of a pace that is due. Gives how long until the next, in ms. */
static int serve_due(enum kind kind) {
    struct line *line = &lines[kind];
    while (line->first != line->end) {
        unsigned place = line->first % MOST_FDS;
        long at_us = now_us(), wait_us = line->waiting[place].due_us - at_us;
        if (wait_us > 0)
            return (int)(wait_us / 1000 + 1);
        line->first++;
        int fd = line->waiting[place].fd;
        if (line->waiting[place].serial != conns[fd].serial)
            continue;
        char out[EVENT_MAX + 8];
        size_t size = put_event(out, conns[fd].events_sent++, at_us);
        int is_over = conns[fd].events_sent == EVENTS;
        if (is_over) {
            memcpy(out + size, "0\r\n\r\n", 5);
            size += 5;
        }
        if (send_all(fd, out, size) && !is_over)
            wait_turn(fd, line->waiting[place].due_us); /* the pace is kept also by who comes late */
    }
    return 1000;
}

static void begin_request(struct conn *c, const char *head) {
    const char *line_end = strchr(head, '\r'), *length = strcasestr(head, "\ncontent-length:");
    c->body_left = length ? atol(length + 16) : 0;
    const char *verb = strstr(head, ":streamGenerateContent");
    const char *paced = strstr(head, "-paced"), *slow = strstr(head, "-slow");
    c->kind = !verb || verb > line_end ? WHOLE : paced && paced < verb ? PACED : slow && slow < verb ? SLOW : BURST;
}

static void take(int fd, const char *data, size_t size) {
    struct conn *c = &conns[fd];
    int serial = c->serial;
    while (size && c->serial == serial) {
        if (!c->is_in_body) {
            size_t room = (size_t)(HEAD_MAX - 1 - c->head_bytes), part = size < room ? size : room;
            memcpy(c->head + c->head_bytes, data, part);
            c->head[c->head_bytes + (int)part] = 0;
            char *end = strstr(c->head, "\r\n\r\n");
            if (!end) {
                c->head_bytes += (int)part;
                if (!room)
                    drop(fd);
                return;
            }
            end[2] = 0;
            size_t used = (size_t)(end + 4 - c->head) - (size_t)c->head_bytes;
            data += used;
            size -= used;
            c->head_bytes = 0;
            c->is_in_body = 1;
            begin_request(c, c->head);
        }
        long part = (long)size < c->body_left ? (long)size : c->body_left;
        c->body_left -= part;
        data += part;
        size -= (size_t)part;
        if (!c->body_left) {
            c->is_in_body = 0;
            answer(fd);
        }
    }
}

static void accept_all(int listener) {
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= MOST_FDS) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        conns[fd].head_bytes = conns[fd].is_in_body = 0;
        struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted))
            die("epoll_ctl");
    }
}

int main(int count, char **arguments) {
    static char data[262144];
    if (count != 2) {
        fprintf(stderr, "mock PORT\n");
        return 2;
    }
    allow_many_files();
    build_answers();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    struct sockaddr_in address = loopback(arguments[1]);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8192))
        die("listen");
    poller = epoll_create1(0);
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = listener}, ready[WAKE_MAX];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        int paced_ms = serve_due(PACED), slow_ms = serve_due(SLOW);
        int found = epoll_wait(poller, ready, WAKE_MAX, paced_ms < slow_ms ? paced_ms : slow_ms);
        for (int i = 0; i < found; i++) {
            int fd = ready[i].data.fd;
            if (fd == listener) {
                accept_all(listener);
                continue;
            }
            ssize_t got = recv(fd, data, sizeof data, 0);
            if (got > 0)
                take(fd, data, (size_t)got);
            else if (got == 0 || (errno != EAGAIN && errno != EINTR))
                drop(fd);
        }
    }
}
